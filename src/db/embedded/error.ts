/** Why the packaged PostgreSQL cannot run here: one sentence that says what to do. */
export class EmbeddedError extends Error {}
