import { DrizzleQueryError } from 'drizzle-orm/errors';
import { expect, test } from 'vitest';
import { createLogger, type Logger, logWith } from '../../src/logger.ts';

test('a failed statement is logged with its cause and without the values it carried', () => {
  const failed = new DrizzleQueryError(
    'insert into generations values ($1)',
    ['a secret prompt'],
    new Error('disk full'),
  );
  const line = logged((log) => log.error({ err: failed }, 'it failed'));
  expect(line).toContain('insert into generations');
  expect(line).toContain('disk full');
  expect(line).not.toContain('a secret prompt');
});

test('what is logged during a request bears its id, and nothing else does', () => {
  const line = logged((log) => logWith({ requestId: 'r1' }, () => log.info('inside')));
  expect(JSON.parse(line)).toMatchObject({ requestId: 'r1', msg: 'inside' });
  expect(JSON.parse(logged((log) => log.info('outside')))).not.toHaveProperty('requestId');
});

test('a key never reaches the log', () => {
  const headers = { authorization: 'Bearer sk_live_0123456789' };
  expect(logged((log) => log.info({ headers, key: 'sk_live_0123456789' }, 'x'))).not.toContain('sk_live');
});

function logged(write: (log: Logger) => void): string {
  const lines: string[] = [];
  write(createLogger('info', { write: (line) => lines.push(line) }));
  return lines.join('');
}
