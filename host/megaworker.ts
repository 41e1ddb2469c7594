// The thread that signs in to MEGA and makes the anchor file, with megajs (SPEC §3.3.1). A thread of its own, because the
// library throws where nobody catches, waits for what never comes, and computes with numbers that a gateway chose:
// host/megalogin.ts ends it when its time is up.
import { parentPort, workerData } from 'node:worker_threads'
import { type MutableFile, Storage, type UploadStream } from 'megajs'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import type { MegaAccount } from './megaaccount.ts'
import { megaFetch } from './megafetch.ts'
import type { Anchor, Unlock } from './megasession.ts'
import { useSystemNetwork } from './network.ts'

export interface MegaWork {
  readonly gateway: string
  /** to sign in with; null goes on with `session` */
  readonly account: MegaAccount | null
  readonly session: { readonly sid: string; readonly unlock: Unlock } | null
  /** name of the file to find or make; null when the anchor is known */
  readonly anchorName: string | null
  readonly timeoutMs: number
}

export type MegaNews =
  | { readonly type: 'session'; readonly sid: string; readonly unlock: Unlock }
  | { readonly type: 'anchor'; readonly anchor: Anchor }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly code: ClawErrorCode }

/** A list of all files of an account; ours should have one. */
const LIST_MAX_BYTES = 32 * 2 ** 20
const UPLOAD_TRIES = 3
/** What the owner of the account finds in the file. */
const CONTENT =
  'ClawChat keeps the sealed address of your host in the properties of this file.\nLinks to your host stop finding it here when the file is deleted or moved to the rubbish bin.\n'

useSystemNetwork()
const work = workerData as MegaWork
const tell = (news: MegaNews): void => parentPort?.postMessage(news)

const wire = {
  gateway: work.gateway,
  timeoutMs: work.timeoutMs,
  retryBusy: true,
  maxBytes: LIST_MAX_BYTES,
}
const settings = {
  gateway: `${work.gateway}/`,
  // megajs calls it with a string and an object; its own type is that of the browser's.
  fetch: megaFetch(wire) as typeof fetch,
  userAgent: null,
  keepalive: false,
  autoload: false,
  autologin: false,
}

async function run(): Promise<void> {
  const storage = await open()
  if (work.anchorName !== null) tell({ type: 'anchor', anchor: await findAnchor(storage) })
  tell({ type: 'done' })
}

async function open(): Promise<Storage> {
  const { account, session } = work
  if (session !== null) {
    const { sid, unlock } = session
    return Storage.fromJSON({ sid, ...unlock, name: '', options: { ...settings, ...NOBODY } })
  }
  if (account === null) throw new ClawError('mega-account')
  const { email, password, code } = account
  const options = { ...settings, email, password, ...(code === null ? {} : second(code)) }
  const storage = new Storage(options)
  await storage.login()
  const { sid, user } = storage
  if (typeof user !== 'string' || sid === '') throw new ClawError('store-refused')
  const unlock = { key: storage.key.toString('base64url'), user }
  tell({ type: 'session', sid, unlock })
  return storage
}

const NOBODY = { email: '', password: '' }
const second = (secondFactorCode: string) => ({ secondFactorCode })

/** The anchor of an earlier start whose `mega.json` was lost goes on; its link is in use. */
async function findAnchor(storage: Storage): Promise<Anchor> {
  const name = work.anchorName ?? ''
  await storage.reload(true)
  const file = storage.root.find(name) ?? (await upload(storage, name))
  const link = await file.link({ noKey: true })
  const handle = /\/file\/([\w-]{8})$/.exec(link)?.[1]
  const { nodeId, key } = file
  if (handle === undefined || nodeId === undefined || key === null) {
    throw new ClawError('store-refused')
  }
  return { node: nodeId, handle, fileKey: key.toString('base64url') }
}

// The promise that megajs gives settles in some of the failures, its events tell of the others.
function upload(storage: Storage, name: string): Promise<MutableFile> {
  return new Promise((done, fail) => {
    const options = { name, forceHttps: true, handleRetries: retry }
    const stream = storage.root.upload(options, Buffer.from(CONTENT)) as UploadStream
    stream.on('complete', done)
    stream.on('error', fail)
    stream.complete.then(done, fail)
  })
}

function retry(tries: number, error: Error, again: (error?: Error) => void): void {
  const final = error instanceof ClawError && error.code !== 'store-unreachable'
  if (final || tries >= UPLOAD_TRIES) again(error)
  else setTimeout(again, 1000 * tries)
}

run().catch((error: unknown) => {
  tell({ type: 'failed', code: error instanceof ClawError ? error.code : 'store-refused' })
})
