// The worker endpoint of the lab, to be run inside the cloud's namespace: page, records and mailbox on Node, as
// `clawchat deploy` would put them at Cloudflare. `node tests/lab/cloud.ts ADDRESS PORT [GATEWAY]`, the latter where pages
// ask MEGA; says "ready" once it listens.
import { createHash } from 'node:crypto'
import { openFallback } from '../../fallback-worker/node.ts'
import { createHttp } from '../../host/http.ts'
import { PAGE_DIR } from '../../host/page.ts'
import { DEPLOY_TOKEN } from '../worker/endpoint.ts'

const [address = '', port = '', gateway] = process.argv.slice(2)
const tokenHash = new Uint8Array(createHash('sha256').update(DEPLOY_TOKEN).digest())
const { app, mailbox } = openFallback({
  path: ':memory:',
  policy: { kind: 'token', tokenHash, bucket: 60, refillMs: 60_000 },
  nowMs: Date.now,
})
const http = await createHttp({
  pageDir: PAGE_DIR,
  stores: () => [],
  hostNames: [],
  ...(gateway !== undefined && { mega: { gateway, own: false } }),
  fallback: app,
  mailbox,
})
await http.listen(address, Number(port))
process.stdout.write('ready\n')
