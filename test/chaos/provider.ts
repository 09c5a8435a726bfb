import '../../src/main-sandbox.ts';

// The provider simulator, for as long as whoever started it is there.
process.on('disconnect', () => process.exit());
