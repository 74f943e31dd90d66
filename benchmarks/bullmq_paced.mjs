// BullMQ's worker with its rate limiter: all jobs are added first, then each is a request to the receiver.
// Started in a folder with node_modules/bullmq: node bullmq_paced.mjs REDIS RECEIVER JOBS RATE CONCURRENCY
import { createRequire } from 'node:module';
import http from 'node:http';

const { Queue, Worker } = createRequire(process.cwd() + '/')('bullmq');
const [port, receiver, jobs, rate, concurrency] = process.argv.slice(2).map(Number);
const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
const queue = new Queue('paced', { connection });
await queue.obliterate({ force: true });
for (let first = 0; first < jobs; first += 1000) {
  const many = Array.from({ length: Math.min(1000, jobs - first) }, (_, place) => ({
    name: 'sent', data: { number: first + place }, opts: { removeOnComplete: true },
  }));
  await queue.addBulk(many);
}

const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency });
const send = number => new Promise((resolve, reject) => {
  const body = JSON.stringify({
    messaging_product: 'whatsapp', recipient_type: 'individual', type: 'template', to: `1650${number}`,
    template: { name: 'news', language: { code: 'en_US' },
      components: [{ type: 'body', parameters: [{ type: 'text', text: 'Sheena' }] }] },
    biz_opaque_callback_data: String(number),
  });
  const headers = {
    authorization: 'Bearer a-token-of-whatsapp', 'content-type': 'application/json', 'content-length': body.length,
  };
  const options = { host: '127.0.0.1', port: receiver, path: '/v23.0/1/messages', method: 'POST', agent, headers };
  const request = http.request(options, answer => { answer.resume(); answer.on('end', resolve); });
  request.on('error', reject);
  request.end(body);
});

const before = process.cpuUsage();
let done = 0;
const limiter = { max: rate, duration: 1000 };
const worker = new Worker('paced', async job => send(job.data.number), { connection, concurrency, limiter });
await new Promise(resolve => worker.on('completed', () => { if (++done === jobs) resolve(); }));
const used = process.cpuUsage(before);
console.log(JSON.stringify({ cpu: (used.user + used.system) / 1e6, peak: process.resourceUsage().maxRSS / 1024 }));
await worker.close();
await queue.close();
process.exit(0);
