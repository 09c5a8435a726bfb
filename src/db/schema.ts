import { relations, sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  customType,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  real,
  text,
  timestamp,
  unique,
  uniqueIndex,
} from 'drizzle-orm/pg-core';

/** Ids are text compared byte by byte: their order is the order in which they were made, on every server. */
const id = customType<{ data: string }>({ dataType: () => 'text collate "C"' });
const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });
const now = sql`clock_timestamp()`;

/** Everything below belongs to one workspace; composite keys keep a row from pointing into another's. */
export const workspaces = pgTable('workspaces', {
  id: id('id').primaryKey(),
  name: text('name').notNull().unique(),
  createdAt: time('created_at').notNull().default(now),
});

/** Keys are kept as SHA-256: they are long random strings, so a slow hash would only slow the honest caller. */
export const apiKeys = pgTable(
  'api_keys',
  {
    id: id('id').primaryKey(),
    workspaceId: id('workspace_id')
      .notNull()
      .references(() => workspaces.id),
    name: text('name').notNull(),
    prefix: text('prefix').notNull(),
    hash: text('hash').notNull().unique(),
    mode: text('mode').notNull(),
    scopes: text('scopes').array().notNull(),
    createdAt: time('created_at').notNull().default(now),
    expiresAt: time('expires_at'),
    revokedAt: time('revoked_at'),
  },
  (table) => [index('api_keys_prefix').on(table.prefix)],
);

export const generations = pgTable(
  'generations',
  {
    id: id('id').primaryKey(),
    workspaceId: id('workspace_id')
      .notNull()
      .references(() => workspaces.id),
    mode: text('mode').notNull(),
    version: integer('version').notNull(),
    status: text('status').notNull(),
    prompt: text('prompt').notNull(),
    model: text('model').notNull(),
    request: jsonb('request').notNull(),
    adjustments: jsonb('adjustments').notNull(),
    fit: text('fit').notNull().default('STRICT'),
    routing: jsonb('routing').notNull().default({ onUncertain: 'WAIT' }),
    retryOf: id('retry_of'),
    idempotencyKey: text('idempotency_key'),
    requestHash: text('request_hash').notNull(),
    percent: real('percent'),
    progressBasis: text('progress_basis').notNull(),
    etaSeconds: integer('eta_seconds'),
    failure: jsonb('failure'),
    metadata: jsonb('metadata'),
    createdAt: time('created_at').notNull(),
    startedAt: time('started_at'),
    finishedAt: time('finished_at'),
    deadlineAt: time('deadline_at').notNull(),
  },
  (table) => [
    unique('generations_workspace_id').on(table.workspaceId, table.id),
    uniqueIndex('generations_idempotency_key')
      .on(table.workspaceId, table.mode, table.idempotencyKey)
      .where(sql`${table.idempotencyKey} is not null`),
    // A page of a list is one walk along one of these, wherever it starts.
    index('generations_newest').on(table.workspaceId, table.mode, table.createdAt, table.id),
    index('generations_status').on(table.workspaceId, table.mode, table.status, table.createdAt, table.id),
    // What an identical request may be given again.
    index('generations_reusable')
      .on(table.workspaceId, table.mode, table.requestHash, table.finishedAt)
      .where(sql`${table.status} = 'SUCCEEDED'`),
    foreignKey({ columns: [table.workspaceId, table.retryOf], foreignColumns: [table.workspaceId, table.id] }),
  ],
);

/** Idempotency keys that were answered with an earlier generation: the same key gives it back for good. */
export const reusedKeys = pgTable(
  'reused_keys',
  {
    workspaceId: id('workspace_id').notNull(),
    mode: text('mode').notNull(),
    key: text('key').notNull(),
    generationId: id('generation_id').notNull(),
    createdAt: time('created_at').notNull().default(now),
  },
  (table) => [
    primaryKey({ columns: [table.workspaceId, table.mode, table.key] }),
    foreignKey({
      columns: [table.workspaceId, table.generationId],
      foreignColumns: [generations.workspaceId, generations.id],
    }),
  ],
);

/** One request to a provider: the body frozen before it was sent. It carries one task, or many where a provider takes batches. */
export const submissions = pgTable(
  'submissions',
  {
    id: id('id').primaryKey(),
    workspaceId: id('workspace_id')
      .notNull()
      .references(() => workspaces.id),
    provider: text('provider').notNull(),
    mode: text('mode').notNull(),
    body: jsonb('body').notNull(),
    // The id we gave it, for a provider that takes one.
    reference: text('reference'),
    createdAt: time('created_at').notNull().default(now),
  },
  (table) => [unique('submissions_workspace_id').on(table.workspaceId, table.id)],
);

export const tasks = pgTable(
  'tasks',
  {
    id: id('id').primaryKey(),
    workspaceId: id('workspace_id').notNull(),
    generationId: id('generation_id').notNull(),
    mode: text('mode').notNull(),
    attempt: integer('attempt').notNull(),
    provider: text('provider').notNull(),
    status: text('status').notNull(),
    routeReason: text('route_reason').notNull(),
    firstSlot: integer('first_slot').notNull(),
    imageCount: integer('image_count').notNull(),
    request: jsonb('request').notNull(),
    submissionId: id('submission_id'),
    place: integer('place'),
    batchKey: id('batch_key'),
    awaitsCallback: boolean('awaits_callback').notNull().default(false),
    providerTaskId: text('provider_task_id'),
    percent: real('percent'),
    progressBasis: text('progress_basis').notNull(),
    etaSeconds: integer('eta_seconds'),
    cost: jsonb('cost').notNull(),
    failure: jsonb('failure'),
    undelivered: jsonb('undelivered'),
    pollCount: integer('poll_count').notNull(),
    nextAt: time('next_at').notNull(),
    holdUntil: time('hold_until'),
    settleUntil: time('settle_until'),
    turnedAwayAt: time('turned_away_at'),
    workerId: id('worker_id'),
    leaseToken: integer('lease_token').notNull(),
    tries: integer('tries').notNull(),
    createdAt: time('created_at').notNull(),
    submittedAt: time('submitted_at'),
    acceptedAt: time('accepted_at'),
    finishedAt: time('finished_at'),
    deadlineAt: time('deadline_at').notNull(),
  },
  (table) => [
    unique('tasks_workspace_id').on(table.workspaceId, table.id),
    foreignKey({
      columns: [table.workspaceId, table.generationId],
      foreignColumns: [generations.workspaceId, generations.id],
    }),
    foreignKey({
      columns: [table.workspaceId, table.submissionId],
      foreignColumns: [submissions.workspaceId, submissions.id],
    }),
    index('tasks_generation').on(table.generationId),
    index('tasks_submission').on(table.submissionId),
    // The loops walk only these: what is held by no worker, workspace by workspace, and is unfinished or not settled yet;
    // what a worker holds; what may run late; what is held as uncertain.
    index('tasks_due')
      .on(table.status, table.workspaceId, table.nextAt)
      .where(sql`worker_id is null and finished_at is null`),
    index('tasks_unsettled')
      .on(table.workspaceId, table.nextAt)
      .where(sql`worker_id is null and settle_until is not null`),
    index('tasks_uncertain').on(sql`coalesce(hold_until, next_at)`).where(sql`status = 'UNCERTAIN'`),
    index('tasks_held').on(table.workerId).where(sql`worker_id is not null`),
    index('tasks_late').on(table.deadlineAt).where(sql`finished_at is null`),
    // What may leave together; how each provider did of late; what each works on.
    index('tasks_batch').on(table.batchKey).where(sql`status = 'QUEUED' and batch_key is not null`),
    index('tasks_ended').on(table.provider, table.mode, table.finishedAt).where(sql`finished_at is not null`),
    index('tasks_at_provider')
      .on(table.provider, table.mode)
      .where(sql`status in ('SUBMITTING', 'ACCEPTED', 'RUNNING', 'UNCERTAIN')`),
    index('tasks_turned_away').on(table.turnedAwayAt).where(sql`turned_away_at is not null`),
  ],
);

export const assets = pgTable(
  'assets',
  {
    id: id('id').primaryKey(),
    workspaceId: id('workspace_id').notNull(),
    generationId: id('generation_id').notNull(),
    taskId: id('task_id').notNull(),
    index: integer('index').notNull(),
    state: text('state').notNull(),
    // What its provider calls it, whatever its place in a list; null: its address names it.
    imageName: text('image_name'),
    providerUrl: text('provider_url').notNull(),
    providerUrlExpiresAt: time('provider_url_expires_at'),
    seed: text('seed'),
    storageKey: text('storage_key'),
    thumbhash: text('thumbhash'),
    width: integer('width'),
    height: integer('height'),
    mimeType: text('mime_type'),
    byteSize: integer('byte_size'),
    sha256: text('sha256'),
    failure: jsonb('failure'),
    refreshes: integer('refreshes').notNull(),
    badLooks: integer('bad_looks').notNull(),
    createdAt: time('created_at').notNull(),
    deletedAt: time('deleted_at'),
  },
  (table) => [
    unique('assets_workspace_id').on(table.workspaceId, table.id),
    unique('assets_slot').on(table.generationId, table.index),
    foreignKey({
      columns: [table.workspaceId, table.generationId],
      foreignColumns: [generations.workspaceId, generations.id],
    }),
    foreignKey({ columns: [table.workspaceId, table.taskId], foreignColumns: [tasks.workspaceId, tasks.id] }),
    index('assets_task').on(table.taskId),
  ],
);

/**
 * The log behind every subscription: one row a change, numbered per generation without a gap. A row is altered once:
 * the sequencer stamps its position in the feed, and the mode where an older release had written it.
 */
export const events = pgTable(
  'events',
  {
    id: id('id').primaryKey(),
    workspaceId: id('workspace_id').notNull(),
    generationId: id('generation_id').notNull(),
    version: integer('version').notNull(),
    type: text('type').notNull(),
    at: time('at').notNull(),
    status: text('status').notNull(),
    percent: real('percent'),
    taskId: id('task_id'),
    taskStatus: text('task_status'),
    assetId: id('asset_id'),
    failure: jsonb('failure'),
    cost: jsonb('cost'),
    mode: text('mode'),
    position: bigint('position', { mode: 'number' }),
  },
  (table) => [
    unique('events_version').on(table.generationId, table.version),
    uniqueIndex('events_position').on(table.position).where(sql`position is not null`),
    index('events_feed').on(table.workspaceId, table.mode, table.position).where(sql`position is not null`),
    index('events_unstamped').on(table.at, table.generationId, table.version).where(sql`position is null`),
    foreignKey({
      columns: [table.workspaceId, table.generationId],
      foreignColumns: [generations.workspaceId, generations.id],
    }),
  ],
);

/**
 * One row: the last position given out, and the highest one that retention has deleted. Not a sequence: positions are
 * dense, in the order of their commits, and the same after a dump and a restore. Whoever holds its lock is the sequencer.
 */
export const feed = pgTable(
  'feed',
  {
    id: integer('id').primaryKey(),
    last: bigint('last', { mode: 'number' }).notNull(),
    floor: bigint('floor', { mode: 'number' }).notNull(),
  },
  () => [check('feed_is_one', sql`id = 1`)],
);

/** HTTP requests to providers and their answers, redacted; the newest few of each task. */
export const exchanges = pgTable(
  'exchanges',
  {
    id: id('id').primaryKey(),
    workspaceId: id('workspace_id').notNull(),
    taskId: id('task_id').notNull(),
    at: time('at').notNull(),
    method: text('method').notNull(),
    url: text('url').notNull(),
    status: integer('status'),
    durationMs: integer('duration_ms').notNull(),
    requestBody: jsonb('request_body'),
    responseBody: jsonb('response_body'),
    error: text('error'),
  },
  (table) => [
    foreignKey({ columns: [table.workspaceId, table.taskId], foreignColumns: [tasks.workspaceId, tasks.id] }),
    index('exchanges_task').on(table.taskId, table.id),
  ],
);

/** What all processes know of a provider in one mode: whether it is to be left alone, its turns, and its account. */
export const providerStates = pgTable(
  'provider_states',
  {
    provider: text('provider').notNull(),
    mode: text('mode').notNull(),
    /** Until then nothing is sent to it; null: it is well. */
    openUntil: time('open_until'),
    /** Why, as a failure code and a sentence for the operator. */
    openCode: text('open_code'),
    openReason: text('open_reason'),
    /** Openings in a row: each is longer than the last. */
    openings: integer('openings').notNull().default(0),
    /** The submission that tries it for all, while its answer is awaited: nobody else ends the trial. */
    trial: text('trial'),
    /** When it was last found well, or a trial of it was given back: what it had turned away may come again. */
    wellAt: time('well_at'),
    /** When the next request would have its turn, were they spread evenly over the minute. */
    turnAt: time('turn_at'),
    /** Until then submissions wait for a turn, and polls stand back. */
    submitsWaitUntil: time('submits_wait_until'),
    creditsRemaining: text('credits_remaining'),
    tier: text('tier'),
    accountAt: time('account_at'),
  },
  (table) => [primaryKey({ columns: [table.provider, table.mode] })],
);

/** One row a worker process: its heartbeat keeps the leases of all its tasks. */
export const workers = pgTable('workers', {
  id: id('id').primaryKey(),
  startedAt: time('started_at').notNull().default(now),
  aliveUntil: time('alive_until').notNull(),
});

/** So that a generation, its tasks and its assets are read in one statement, as they were at one instant. */
export const generationParts = relations(generations, ({ many }) => ({ tasks: many(tasks), assets: many(assets) }));
export const taskParts = relations(tasks, ({ one }) => ({
  generation: one(generations, { fields: [tasks.generationId], references: [generations.id] }),
}));
export const assetParts = relations(assets, ({ one }) => ({
  generation: one(generations, { fields: [assets.generationId], references: [generations.id] }),
}));
