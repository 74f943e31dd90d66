// BullMQ's no-op jobs: all are added first, then one worker in this process works them off.
// Started in a folder with node_modules/bullmq: node bullmq.mjs PORT JOBS CONCURRENCY
import { createRequire } from 'node:module';

const { Queue, Worker } = createRequire(process.cwd() + '/')('bullmq');
const [port, jobs, concurrency] = process.argv.slice(2).map(Number);
const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
const queue = new Queue('bench', { connection });
await queue.obliterate({ force: true });
const text = 'x'.repeat(1024);

const began = performance.now();
for (let first = 0; first < jobs; first += 1000) {
  const many = Array.from({ length: Math.min(1000, jobs - first) }, (_, place) => ({
    name: 'told', data: { number: first + place, text }, opts: { removeOnComplete: true },
  }));
  await queue.addBulk(many);
}
const added = performance.now();

let done = 0;
const worker = new Worker('bench', async () => {}, { connection, concurrency });
await new Promise(resolve => worker.on('completed', () => { if (++done === jobs) resolve(); }));
const drained = performance.now();

console.log(JSON.stringify({ add: (added - began) / 1000, drain: (drained - added) / 1000 }));
await worker.close();
await queue.close();
process.exit(0);
