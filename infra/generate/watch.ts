/** Alarms, where they go, and a dashboard: what somebody has to see without looking. */
import { alarmOf, TOPIC } from './alarm.ts';
import { ALARMS } from './alarms.ts';
import type { Cfn } from './cfn.ts';
import { dashboard } from './dashboard.ts';
import { PREFIX } from './names.ts';

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: osls fills them in
const MAIL = '${self:custom.place.alarm_mail}';
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: osls fills them in

const idOf = (name: string): string =>
  `${name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')}Alarm`;

/** By logical id, and the condition under which somebody is written to. */
export const watchConditions = { HasAlarmMail: { 'Fn::Not': [{ 'Fn::Equals': [MAIL, ''] }] } };
/** For PERFECT21_ROLLBACK_ALARMS. */
export const watchOutputs: Record<string, Cfn> = Object.fromEntries(
  ['errors', 'handlers'].map((name) => [
    `${idOf(name)}Arn`,
    {
      Description: 'An update may be taken back by it: PERFECT21_ROLLBACK_ALARMS',
      Value: { 'Fn::GetAtt': [idOf(name), 'Arn'] },
    },
  ]),
);
export const watchResources = (): Record<string, Cfn> => ({
  [TOPIC]: { Type: 'AWS::SNS::Topic', Properties: { TopicName: `${PREFIX}-alarms` } },
  AlarmMail: {
    Type: 'AWS::SNS::Subscription',
    Condition: 'HasAlarmMail',
    Properties: { TopicArn: { Ref: TOPIC }, Protocol: 'email', Endpoint: MAIL },
  },
  ...Object.fromEntries(ALARMS.map((alarm) => [idOf(alarm.name), alarmOf(alarm)])),
  Dashboard: dashboard,
});
