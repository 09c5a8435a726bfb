import { builder } from './builder.ts';
import './scalars.ts';
import './asset.ts';
import './cancel-generation.ts';
import './create-generation.ts';
import './event.ts';
import './events.ts';
import './generation.ts';
import './generation-updated.ts';
import './generations.ts';
import './node.ts';
import './outcome.ts';
import './provider.ts';
import './quote.ts';
import './resolve-task.ts';
import './retry-generation.ts';
import './task.ts';
import './user-errors.ts';
import './viewer.ts';

/** The schema, without a server: one file per noun or verb of it beside this one. */
export const schema = builder.toSchema();
