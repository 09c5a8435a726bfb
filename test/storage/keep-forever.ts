import { createDiskStorage } from '../../src/storage/disk.ts';
import { createS3Storage } from '../../src/storage/s3.ts';

const CHUNK = Buffer.alloc(50_000, 'x');
const [, , where = ''] = process.argv;
const storage = where.startsWith('{') ? createS3Storage(JSON.parse(where)) : createDiskStorage(where);

/** Keeps files of 1,000,000 bytes until it is killed or fails; says so after the third, and says why it failed. */
async function keepForever(): Promise<void> {
  for (let n = 1; ; n++) {
    const incoming = await storage.receive();
    for (let written = 0; written < 1_000_000; written += CHUNK.length) await incoming.write(CHUNK);
    await incoming.keep(`kept/${n}`);
    if (n === 3) process.stdout.write('kept three\n');
  }
}

await keepForever().catch((error: Error & { cause: NodeJS.ErrnoException }) => {
  process.stdout.write(`${error.message} ${error.cause.code}\n`);
});
