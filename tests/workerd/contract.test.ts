// The contract of the record endpoint on Cloudflare's own runtime: the worker of wrangler.toml in workerd.
import { afterAll, beforeAll } from 'vitest'
import { endpointContract } from '../worker/contract.ts'
import { mailboxContract } from '../worker/mailboxes.ts'
import { startWorkerd, type Workerd } from './worker.ts'

let workerd: Workerd
beforeAll(async () => {
  workerd = await startWorkerd()
})
afterAll(() => workerd?.close())

endpointContract(() => workerd)
mailboxContract(() => workerd, true)
