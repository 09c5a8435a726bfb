/** The moments of one order at which a crash matters most. Tests end the process there; the service passes no hook. */
export const KILL_POINTS = [
  'create:written',
  'create:committed',
  'claim:taken',
  'submit:marked',
  'submit:answered',
  'submit:stored',
  'recover:answered',
  'poll:answered',
  'poll:written',
  'collect:begun',
  'collect:kept',
  'settle:answered',
  'sequence:stamped',
] as const;

export type KillPoint = (typeof KILL_POINTS)[number];
