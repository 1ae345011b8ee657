/** What lines of a function's log cost at CloudWatch: by their bytes, and by the metrics in them. */

const linesOf = (said: string): string[] => said.split('\n').filter(Boolean);

/** Bytes as CloudWatch takes them: 26 for each line beside its text. */
export const bytesLogged = (said: string): number =>
  linesOf(said).reduce((sum, line) => sum + Buffer.byteLength(line) + 26, 0);

interface Line {
  _aws: { CloudWatchMetrics: { Dimensions: [string[]]; Metrics: { Name: string }[] }[] };
  [label: string]: unknown;
}

/** The series that the metrics in them make: a name with the values of its labels. */
export const seriesLogged = (said: string): string[] =>
  linesOf(said)
    .filter((line) => line.includes('"CloudWatchMetrics"'))
    .map((line): Line => JSON.parse(line))
    .flatMap((line) =>
      line._aws.CloudWatchMetrics.flatMap(({ Dimensions: [labels], Metrics }) =>
        Metrics.map(({ Name }) => JSON.stringify([Name, labels.map((label) => [label, line[label]])])),
      ),
    );
