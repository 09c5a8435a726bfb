import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { createLoop, type Loop } from '../../src/worker/loop.ts';

const LONG_MS = 60_000;

test('a wake ends the nap', async () => {
  let ticks = 0;
  const loop = run(async () => {
    ticks += 1;
    return LONG_MS;
  });
  await expect.poll(() => ticks).toBe(1);
  loop.wake();
  await expect.poll(() => ticks).toBe(2);
});

test('a wake that comes during a tick makes another tick follow at once', async () => {
  const { tick, ticks, finish } = stepped();
  const loop = run(tick);
  await expect.poll(ticks).toBe(1);
  loop.wake();
  finish(LONG_MS);
  await expect.poll(ticks).toBe(2);
  finish(LONG_MS);
});

test('many wakes during one tick make one tick more, not many', async () => {
  const { tick, ticks, finish } = stepped();
  const loop = run(tick);
  await expect.poll(ticks).toBe(1);
  for (let i = 0; i < 10; i++) loop.wake();
  finish(LONG_MS);
  await expect.poll(ticks).toBe(2);
  finish(LONG_MS);
  await settle();
  expect(ticks()).toBe(2);
});

test('two ticks never run at once', async () => {
  let [running, most, ticks] = [0, 0, 0];
  const loop = run(async () => {
    most = Math.max(most, ++running);
    await settle();
    running -= 1;
    return ++ticks % 2 ? 0 : LONG_MS;
  });
  loop.start();
  await expect
    .poll(
      () => {
        loop.wake();
        return ticks;
      },
      { interval: 1 },
    )
    .toBeGreaterThan(20);
  expect(most).toBe(1);
});

test('a tick that has more to do is followed by the next without a nap', async () => {
  let ticks = 0;
  run(async () => (++ticks < 50 ? 0 : LONG_MS));
  await expect.poll(() => ticks).toBe(50);
});

test('a nap ends by itself when its time is up', async () => {
  let ticks = 0;
  run(async () => (++ticks < 3 ? 5 : LONG_MS));
  await expect.poll(() => ticks).toBe(3);
});

test('a stop waits for the tick that runs, and none follows it, woken or not', async () => {
  const { tick, ticks, finish } = stepped();
  const loop = run(tick);
  await expect.poll(ticks).toBe(1);
  let stopped = false;
  const stopping = loop.stop().then(() => (stopped = true));
  loop.wake();
  await settle();
  expect(stopped).toBe(false);
  finish(0);
  await stopping;
  await settle();
  expect(ticks()).toBe(1);
});

test('a stop ends the nap', async () => {
  let ticks = 0;
  const loop = run(async () => {
    ticks += 1;
    return LONG_MS;
  });
  await expect.poll(() => ticks).toBe(1);
  await loop.stop();
  await loop.stop();
});

test('a loop that was never started stops at once', async () => {
  await createLoop({ name: 'test', tick: async () => LONG_MS, log: pino({ level: 'silent' }) }).stop();
});

test('a tick that throws is logged and tried again, after a second or when woken', async () => {
  const logged: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void logged.push(line) });
  let ticks = 0;
  const tick = async () => {
    if (++ticks <= 2) throw new Error('no database');
    return LONG_MS;
  };
  const loop = createLoop({ name: 'test', tick, log });
  onTestFinished(() => loop.stop());
  loop.start();
  await expect.poll(() => logged.length).toBe(1);
  expect(JSON.parse(logged[0] ?? '')).toMatchObject({ loop: 'test', err: { message: 'no database' } });
  loop.wake();
  await expect.poll(() => logged.length, { timeout: 900 }).toBe(2);
  await expect.poll(() => ticks, { timeout: 5_000 }).toBe(3);
});

function run(tick: () => Promise<number>): Loop {
  const loop = createLoop({ name: 'test', tick, log: pino({ level: 'silent' }) });
  onTestFinished(() => loop.stop());
  loop.start();
  return loop;
}

/** Ticks that last until they are told how long to nap. */
function stepped() {
  let ticks = 0;
  let finish = (_napMs: number) => {};
  return {
    ticks: () => ticks,
    finish: (napMs: number) => finish(napMs),
    tick: () => {
      ticks += 1;
      return new Promise<number>((resolve) => {
        finish = resolve;
      });
    },
  };
}

/** Lets everything that is ready run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
}
