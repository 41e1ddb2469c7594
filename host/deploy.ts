// `clawchat deploy` (contract.md): page and record endpoint to Cloudflare, and the data folder remembers where.
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ClawError, codeOf } from '../shared/error.ts'
import type { DeployArgs, DeployResult } from './config.ts'
import { openFolder } from './folder.ts'
import { PAGE_DIR } from './page.ts'
import { makeToken, readWorker, type Worker, writeWorker } from './worker.ts'
import type { Wrangler } from './wrangler.ts'

const DEFAULT_NAME = 'clawchat'
const SECRET = 'DEPLOY_TOKEN'

/**
 * Deploys, or with `dryRun` does all but the upload and writes nothing into the data folder.
 * Throws ClawError: `page-missing`, `deploy-failed`, and those of the folder.
 */
export async function deploy(
  dataDir: string,
  args: DeployArgs,
  wrangler: Wrangler,
): Promise<DeployResult> {
  if (!existsSync(join(PAGE_DIR, 'index.html'))) throw new ClawError('page-missing')
  const name = args.worker ?? readWorker(dataDir)?.name ?? DEFAULT_NAME
  if (args.dryRun) {
    await wrangler.deploy(name, true)
    return { event: 'deployed', dryRun: true, worker: name, url: null }
  }
  claimFolder(dataDir)
  const token = makeToken(dataDir, randomBytes)
  const worker = await upload(wrangler, name)
  // Until the worker knows the token it takes no new record: it fails closed.
  await wrangler.putSecret(name, SECRET, token)
  writeWorker(dataDir, worker)
  return { event: 'deployed', dryRun: false, worker: name, url: worker.url }
}

async function upload(wrangler: Wrangler, name: string): Promise<Worker> {
  const [target] = await wrangler.deploy(name, false)
  if (target === undefined) throw new ClawError('deploy-failed')
  return { name, url: target.replace(/\/+$/, '') }
}

/** The next start no longer uses the worker; at Cloudflare it stays. */
export function forgetWorker(dataDir: string): DeployResult {
  const name = readWorker(dataDir)?.name ?? null
  if (name !== null) writeWorker(dataDir, null)
  return { event: 'worker-forgotten', worker: name }
}

/** Makes the folder a host's, or finds that one is running on it. */
function claimFolder(dataDir: string): void {
  try {
    openFolder(dataDir).close()
  } catch (error) {
    // Either way it is a host's.
    const isHosts = ['folder-locked', 'passphrase-missing'].includes(codeOf(error))
    if (!isHosts) throw error
  }
}
