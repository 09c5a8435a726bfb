import { z } from 'zod';

/** One request that orders something of a provider. */
export interface Submission {
  provider: string;
  /** What is ordered, in the order of its places; `name`: the id that the caller gave it, where the provider takes one. */
  orders: { prompt: string; name: string | null }[];
}

/** What a request orders, as each provider's documentation has it; null for a question. */
export function readSubmission(method: string, path: string, body: string): Submission | null {
  if (method !== 'POST') return null;
  const form = FORMS.find(({ paths }) => paths.test(path));
  if (!form) return null;
  const orders = form.read(JSON.parse(body));
  return orders.length > 0 ? { provider: form.provider, orders } : null;
}

/** Whether the provider has said with this status that it took nothing. Of a name that is taken it has the very order. */
export function isRefusal({ provider }: Submission, status: number, body: string): boolean {
  if (provider === 'runware' && body.includes('conflictTaskUUID')) return false;
  return status >= 400 && status < 500;
}

interface Form {
  provider: string;
  paths: RegExp;
  read(body: unknown): Submission['orders'];
}

const Prompted = z.looseObject({ prompt: z.string() });
const Batch = z.looseObject({ generations: z.array(Prompted) });
const Tasks = z.array(z.looseObject({ taskType: z.string(), taskUUID: z.string() }));
const Inference = z.looseObject({
  taskType: z.literal('imageInference'),
  taskUUID: z.string(),
  positivePrompt: z.string(),
});

const one: Form['read'] = (body) => [unnamed(Prompted.parse(body))];

const FORMS: readonly Form[] = [
  { provider: 'gptimage2', paths: /^\/gptimage2\/v1\/images\/generations$/, read: one },
  { provider: 'modelark', paths: /^\/modelark\/api\/v3\/images\/generations$/, read: one },
  { provider: 'runware', paths: /^\/runware\/v1$/, read: readTasks },
  { provider: 'reapi', paths: /^\/reapi\/api\/v1\/images\/generations$/, read: one },
  {
    provider: 'threedaistudio',
    paths: /^\/threedaistudio\/v1\/images\/seedream\/v5\/lite\/(generate|edit)\/$/,
    read: one,
  },
  { provider: 'seedance', paths: /^\/seedance\/v1\/images\/generate$/, read: one },
  {
    provider: 'seedance',
    paths: /^\/seedance\/v1\/images\/batch$/,
    read: (body) => Batch.parse(body).generations.map(unnamed),
  },
];

/** Questions go to the same address. */
function readTasks(body: unknown): Submission['orders'] {
  return Tasks.parse(body)
    .filter(({ taskType }) => taskType === 'imageInference')
    .map((task) => Inference.parse(task))
    .map(({ positivePrompt, taskUUID }) => ({ prompt: positivePrompt, name: taskUUID }));
}

function unnamed({ prompt }: z.infer<typeof Prompted>): Submission['orders'][number] {
  return { prompt, name: null };
}
