/**
 * The pages that links in mails open. A GET shows a page and changes nothing, because mail scanners follow links; the
 * button posts the token. Scripts stand apart, so that the policy allows none inline, and take the token out of the
 * address at once.
 */

export interface StaticPage {
  type: 'text/html; charset=utf-8' | 'text/javascript; charset=utf-8' | 'text/css; charset=utf-8';
  body: string;
}

/** For every page and asset. The token must not leave in a `Referer`, nor the page stand in a frame. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

const page = (name: string, title: string, body: string): StaticPage => ({
  type: 'text/html; charset=utf-8',
  body: `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><link rel="stylesheet" href="assets/pages.css">
<script type="module" src="assets/${name}.js"></script></head><body><main>
${body}
<p id="result" role="status"></p><noscript><p>This page needs JavaScript. 此页面需要 JavaScript。</p></noscript>
</main></body></html>
`,
});

/** Asks whether the address is to be confirmed, and confirms it. */
export const verifyEmailPage = (): StaticPage =>
  page(
    'verify-email',
    'Confirm your e-mail address',
    `<h1 data-zh="确认您的邮箱地址">Confirm your e-mail address</h1>
<form id="form"><button data-zh="确认">Confirm</button></form>`,
  );

/** Asks whether an account is to have this address from now on, and gives it. */
export const confirmEmailPage = (): StaticPage =>
  page(
    'confirm-email',
    'Confirm your new e-mail address',
    `<h1 data-zh="确认您的新邮箱地址">Confirm your new e-mail address</h1>
<form id="form"><button data-zh="使用此邮箱">Use this address</button></form>`,
  );

/** Asks whether a change of the address is to be taken back, and does so. */
export const undoEmailPage = (): StaticPage =>
  page(
    'undo-email',
    'Take the change of your address back',
    `<h1 data-zh="撤销邮箱更改">Take the change of your address back</h1>
<p data-zh="您的账户将恢复使用此邮箱，所有设备都会退出登录。">Your account gets this address again, and every device is logged out.</p>
<form id="form"><button data-zh="撤销">Take it back</button></form>`,
  );

/** Asks for a new password, and sets it. */
export const resetPasswordPage = (): StaticPage =>
  page(
    'reset-password',
    'Set a new password',
    `<h1 data-zh="设置新密码">Set a new password</h1>
<form id="form"><label><span data-zh="新密码">New password</span>
<input id="password" type="password" autocomplete="new-password" required maxlength="1024"></label>
<button data-zh="设置">Set password</button></form>`,
  );

const SHARED = `
const chinese = navigator.language.toLowerCase().startsWith('zh');
const say = (english, zh) => { document.getElementById('result').textContent = chinese ? zh : english; };
if (chinese) {
  document.documentElement.lang = 'zh-CN';
  for (const element of document.querySelectorAll('[data-zh]')) element.textContent = element.dataset.zh;
}
const token = new URLSearchParams(location.search).get('token');
history.replaceState(null, '', location.pathname);
const form = document.getElementById('form');
const submit = (path, fields, done) => form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = form.querySelector('button');
  button.disabled = true;
  try {
    // beside this script, wherever a proxy puts both
    const answer = await fetch(new URL(path, import.meta.url), { method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, ...fields() }) });
    if (answer.ok) { form.remove(); done(); return; }
    const problem = await answer.json().catch(() => ({}));
    if (problem.code === 'invalid_token' || problem.code === 'invalid_request') {
      say('This link is used up or has expired. Ask for a new one.', '此链接已被使用或已过期，请重新申请。');
    } else if (problem.code === 'password_refused') {
      say(problem.errors?.[0]?.message ?? problem.detail ?? 'Choose another password.', '此密码不符合要求，请换一个更长、更少见的密码。');
    } else say('That did not work. Try again in a moment.', '操作未成功，请稍后再试。');
  } catch { say('The server does not answer. Try again in a moment.', '服务器没有响应，请稍后再试。'); }
  button.disabled = false;
});
`;

const script = (body: string): StaticPage => ({ type: 'text/javascript; charset=utf-8', body: `${SHARED}${body}` });

/** Every page and asset by its path at the root of the HTTP port; they name each other relatively, for a proxy may put more before it. */
export const PAGES: Readonly<Record<string, StaticPage>> = {
  '/verify-email': verifyEmailPage(),
  '/reset-password': resetPasswordPage(),
  '/confirm-email': confirmEmailPage(),
  '/undo-email': undoEmailPage(),
  '/assets/verify-email.js': script(`
submit('../api/v1/auth/verify-email', () => ({}), () =>
  say('Your address is confirmed. You can log in now.', '您的邮箱已确认，现在可以登录。'));
`),
  '/assets/confirm-email.js': script(`
submit('../api/v1/auth/email/confirm', () => ({}), () =>
  say('Your account has this address now.', '您的账户现在使用此邮箱。'));
`),
  '/assets/undo-email.js': script(`
submit('../api/v1/auth/email/undo', () => ({}), () =>
  say('Your account has this address again. Set a new password with the link in the next mail.', '您的账户已恢复使用此邮箱。请用下一封邮件中的链接设置新密码。'));
`),
  '/assets/reset-password.js': script(`
submit('../api/v1/auth/password/reset', () => ({ new_password: document.getElementById('password').value }), () =>
  say('Your new password is set. You can log in with it now.', '新密码已设置，现在可以用它登录。'));
`),
  '/assets/pages.css': {
    type: 'text/css; charset=utf-8',
    body: `:root { color-scheme: light dark; font: 17px/1.5 system-ui, sans-serif; }
main { max-width: 26rem; margin: 12vh auto; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; }
label span { display: block; margin-bottom: .3rem; }
input { box-sizing: border-box; width: 100%; padding: .6rem; font: inherit; margin-bottom: 1rem; }
button { padding: .65rem 1.2rem; font: inherit; border: 0; border-radius: .4rem; background: #1f4fd8; color: #fff; }
button:disabled { opacity: .6; }
`,
  },
};
