import type { Provider } from '../../src/provider/provider.ts';
import { createRunware } from '../../src/provider/runware/runware.ts';
import { toOptions } from './adapters.ts';
import { SENDING } from './gptimage2.ts';

/** The task of the golden files. */
export const TASK = '24cd5dff-cb81-4db5-8506-b72a9425f9d1';
export const SENDING_TASK = { ...SENDING, reference: TASK };

export function createAt(url: string): Provider {
  return createRunware(toOptions(url));
}

export function item(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { taskType: 'imageInference', taskUUID: TASK, ...fields };
}

export function made(name: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return item({ status: 'success', imageURL: `https://im.runware.ai/image/${name}`, ...fields });
}

export function failed(code: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return item({ code, message: 'no', status: 'error', ...fields });
}
