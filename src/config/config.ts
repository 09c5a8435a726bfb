import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import type { z } from 'zod';
import { VARIABLES } from './variables.ts';

type Variables = typeof VARIABLES;
type ValueOf<V> = V extends { schema: z.ZodType<infer T>; default: infer D }
  ? D extends string
    ? T
    : T | undefined
  : never;

/** The environment, parsed: what has a default is always there, the rest is undefined when unset. */
export type Config = { [Name in keyof Variables]: ValueOf<Variables[Name]> };

/** Everything that is wrong with the environment, one sentence each. */
export class ConfigError extends Error {
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.faults = faults;
  }
}

/** Workers have a port for health and metrics only: any number of them run beside an api without being told to. */
const ANY_PORT = '0';

/** Parses the environment; throws one ConfigError that names every fault. `warnings` are for the log. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): { config: Config; warnings: string[] } {
  const config: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const [name, { schema, default: fallback }] of Object.entries(VARIABLES)) {
    const written = env[name] || (name === 'PORT' && env.ROLE === 'worker' ? ANY_PORT : fallback);
    if (written === null) continue;
    const parsed = schema.safeParse(written);
    if (parsed.success) config[name] = parsed.data;
    else faults.push(...parsed.error.issues.map(({ message }) => `${name} ${message}.`));
  }
  if (faults.length === 0) faults.push(...contradictions(config as Config));
  if (faults.length > 0) throw new ConfigError(faults);
  return { config: config as Config, warnings: unknownNames(env) };
}

/** Takes a `.env` file in the working folder into account; what the environment says already wins. */
export function loadEnvFile(): void {
  if (existsSync('.env')) process.loadEnvFile('.env');
}

/** Whether nobody but this machine can reach the address. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}

function contradictions(config: Config): string[] {
  const faults: string[] = [];
  if (config.DATABASE_URL && !config.SECRET_KEYS) {
    faults.push('SECRET_KEYS is required with DATABASE_URL: the same secrets for every process.');
  }
  if (config.ROLE !== 'all' && !config.DATABASE_URL) {
    faults.push(`ROLE=${config.ROLE} needs DATABASE_URL: the embedded database serves one process only.`);
  }
  if (config.DATABASE_DIRECT_URL && !config.DATABASE_URL) {
    faults.push('DATABASE_DIRECT_URL is set without DATABASE_URL.');
  }
  if (config.STORAGE_URL?.kind === 'S3' && !(config.AWS_ACCESS_KEY_ID && config.AWS_SECRET_ACCESS_KEY)) {
    faults.push('STORAGE_URL=s3://… needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.');
  }
  if (config.GPTIMAGE2_API_KEY && !config.GPTIMAGE2_BASE_URL) {
    faults.push('GPTIMAGE2_API_KEY needs GPTIMAGE2_BASE_URL: this provider has no address that could be assumed.');
  }
  return faults;
}

/** A misspelt variable is silently ignored by any shell, so say which of ours it might have been. */
function unknownNames(env: NodeJS.ProcessEnv): string[] {
  const known = new Set(Object.keys(VARIABLES));
  const prefixes = new Set([...known].filter((name) => name.includes('_')).map((name) => `${name.split('_')[0]}_`));
  // Other programs have variables of this name by the dozen.
  prefixes.delete('AWS_');
  const ours = (name: string) =>
    [...prefixes].some((prefix) => name.startsWith(prefix)) || name.startsWith('DARKROOM_');
  return Object.keys(env)
    .filter((name) => !known.has(name) && ours(name))
    .map((name) => `${name} is not a variable of this service; see .env.example.`);
}
