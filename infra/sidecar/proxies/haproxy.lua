-- Asks perfect21's sidecar about a request and keeps what it says; silence is no permission.
local identity = { 'x-user-id', 'x-session-id', 'x-roles', 'x-permissions', 'x-token-expires-at' }

core.register_action('verify', { 'http-req' }, function(txn)
  local sent = txn.http:req_get_headers()
  local headers = { ['x-forwarded-method'] = { txn.sf:method() }, ['x-forwarded-uri'] = { txn.sf:pathq() } }
  if sent['authorization'] then
    headers['authorization'] = {}
    for at = 0, #sent['authorization'] do table.insert(headers['authorization'], sent['authorization'][at]) end
  end
  local permission = txn:get_var('txn.permission')
  local url = 'http://127.0.0.1:8090/verify' .. (permission and '?permission=' .. permission or '')
  local answer = core.httpclient():get{ url = url, headers = headers, timeout = 1000 }
  txn:set_var('txn.verified', tostring(answer.status))
  local challenge = answer.headers and answer.headers['www-authenticate']
  txn:set_var('txn.challenge', challenge and challenge[0] or 'Bearer')
  if answer.status ~= 200 then return end
  for _, name in ipairs(identity) do
    txn.http:req_set_header(name, answer.headers[name] and answer.headers[name][0] or '')
  end
end, 0)
