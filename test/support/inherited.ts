/** What each process gets of this one's environment: programs are found, and what was compiled before is not compiled again. */
export const inherited = (): NodeJS.ProcessEnv => {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  return { PATH, HOME, NODE_COMPILE_CACHE };
};
