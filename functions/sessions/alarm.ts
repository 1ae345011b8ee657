/** What is told of a login that is riskier than any should be. */
import { recommendedActions, securityAlert, suspiciousActivity } from '../auth/events.ts';
import { RISKY, type Risk } from './risk.ts';

interface Login {
  user_id: string;
  session_id: string;
  ip_address: string;
  user_agent: string;
  location?: Record<string, string> | undefined;
}

/** The events of a risky login: for whoever watches, and for its owner. None of any other. */
export const alarmsOf = ({ score, reasons }: Risk, login: Login) => {
  if (score <= RISKY) return [];
  const { user_id, session_id, ip_address, user_agent, location } = login;
  const told = {
    user_id,
    description: 'Somebody logged in to your account in a way that is unlike you',
    details: { session_id, reasons, risk_score: score, ...(location && { location }) },
    ip_address,
    user_agent,
  };
  return [
    suspiciousActivity.with({ ...told, activity_type: 'risky_login', risk_score: score }, { user_id }),
    securityAlert.with(
      { ...told, alert_type: 'suspicious_login', severity: 'high', recommended_actions: recommendedActions('high') },
      { user_id },
    ),
  ];
};
