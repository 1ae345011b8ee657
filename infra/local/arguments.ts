/** The arguments of programs that take none: settings are in the environment. */

/**
 * Prints the usage where `--help` asks for it and ends with 0; ends with 2 and one line for any other argument.
 *
 * @param program as it is called, e.g. `npm start`
 */
export const takesNoArguments = (program: string, does: string, args = process.argv.slice(2)): void => {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(
      `${program}: ${does}\n\nIt takes no arguments; its settings are in the environment (README.md, Settings).\n`,
    );
    process.exit(0);
  }
  if (args.length === 0) return;
  process.stderr.write(
    `${program} takes no arguments (${JSON.stringify(args[0])}): its settings are in the environment\n`,
  );
  process.exit(2);
};
