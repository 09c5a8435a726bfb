import type { Bill, Call, Desk, Dialect, Reply } from '../dialect.ts';
import { DATA_URI_BODY_BYTES } from '../dialect.ts';
import { countEnded, getNow, type Task } from '../task.ts';
import { makeWord } from '../word.ts';
import { toReply } from './answers.ts';
import { refuse, refuseWith } from './errors.ts';
import { countImages, readOrder } from './order.ts';
import { toOutcome } from './outcomes.ts';

/**
 * BytePlus ModelArk: the answer to the request is the images, whole or as a stream. `providers.md` §2. It has no tasks to
 * ask about and no callbacks: `lost-poll`, `no-callback` and `double-callback` change nothing here.
 */
export const modelark: Dialect = {
  slug: 'modelark',
  mostBodyBytes: DATA_URI_BODY_BYTES,
  unit: 'images',
  weigh: countImages,
  refuse,
  answer,
  callbacksOf: () => [],
  moderate: () => refuseWith('InputTextSensitiveContentDetected', 'The prompt may contain sensitive information'),
  charge,
};

async function answer(call: Call, desk: Desk): Promise<Reply> {
  if (call.method !== 'POST' || call.path !== '/api/v3/images/generations') return refuse('no-such-path');
  const read = await readOrder(call.body);
  if (!read.ok) return refuseWith(read.code, read.message, read.param);
  // Never shown to the caller, but in the links.
  const order = { ...read.order, id: `ark_${makeWord(16)}` };
  return desk.take(call, order, (task) => toReply(call, desk, task, read.wish));
}

/** Only successes, as they come, whoever still listens. */
function charge(task: Task): Bill {
  const outcome = toOutcome(task);
  const ended = countEnded(task, getNow());
  const codes = outcome.kind === 'ANSWERED' ? outcome.images.slice(0, ended) : [];
  const images = codes.filter((code) => code === null).length;
  return { images, credits: images, refunded: images === 0 && ended === task.count };
}
