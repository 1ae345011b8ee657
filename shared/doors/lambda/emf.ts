/**
 * Metrics as CloudWatch's embedded metric format. Each metric has the labels that are its own, which costs a series for
 * each set; a line of the log costs by itself, so one line carries all metrics whose labels don't contradict each other.
 *
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */

const NAMESPACE = 'perfect21';

export interface Measured {
  name: string;
  unit: 'Count' | 'Seconds' | 'None';
  labels: Readonly<Record<string, string>>;
  value: number;
}

interface Line {
  _aws: { Timestamp: number; CloudWatchMetrics: object[] };
  [member: string]: unknown;
}

const fits = (line: Line, { name, labels }: Measured): boolean =>
  !(name in line) && Object.entries(labels).every(([label, value]) => !(label in line) || line[label] === value);

/**
 * The lines of what was measured, at a time in unix ms.
 *
 * @example for (const line of emfLines(measured, Date.now())) process.stdout.write(`${JSON.stringify(line)}\n`);
 */
export const emfLines = (measured: readonly Measured[], now: number): object[] => {
  const lines: Line[] = [];
  for (const each of measured) {
    let line = lines.find((open) => fits(open, each));
    if (!line) {
      line = { _aws: { Timestamp: now, CloudWatchMetrics: [] } };
      lines.push(line);
    }
    const { name, unit, labels, value } = each;
    line._aws.CloudWatchMetrics.push({
      Namespace: NAMESPACE,
      Dimensions: [Object.keys(labels)],
      Metrics: [{ Name: name, Unit: unit }],
    });
    Object.assign(line, labels, { [name]: value });
  }
  return lines;
};
