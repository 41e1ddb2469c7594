// MEGA as far as ClawChat uses it: an HTTP server that speaks its API to the real megajs and to the real page, checks
// what it is given (passwords, second factor, proofs of work, wrapped keys), and fails in every way on demand.
import { createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type AccountOptions,
  cbcOpen,
  cbcSeal,
  d64,
  EmulatedAccount,
  e64,
  ecbOpen,
  ecbSeal,
  fold,
} from './megaaccount.ts'

export type Fault =
  /** MEGA's error number, in a list or bare */
  | { readonly kind: 'error'; readonly error: number; readonly bare?: boolean }
  | { readonly kind: 'http'; readonly status: number }
  /** 402 until the proof of work is right */
  | { readonly kind: 'hashcash'; readonly easiness: number }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'hang' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'body'; readonly text: string }
  /** goes on until the client has enough */
  | { readonly kind: 'endless' }
  /** the command is carried out, and then the connection breaks */
  | { readonly kind: 'lost' }
  /** of an answer to `g` */
  | { readonly kind: 'at'; readonly how: 'missing' | 'stale' | 'tampered' | 'no-record' }

export interface SeenRequest {
  readonly command: string
  readonly sid: string | null
  readonly method: string
  readonly headers: IncomingMessage['headers']
  readonly args: Readonly<Record<string, unknown>>
}

interface Node {
  readonly h: string
  readonly owner: EmulatedAccount
  readonly k: string
  readonly size: number
  /** all values so far, the newest last */
  readonly history: string[]
  ph: string | null
  trashed: boolean
}

type Args = Readonly<Record<string, unknown>>

/** What MEGA takes of attributes, as far as known. */
const ATTRIBUTES_MAX_BYTES = 16_384
const HASHCASH_COPIES = 262_144
const [EARGS, EFAILED, ENOENT, ESID, EBLOCKED, EMFAREQUIRED] = [-2, -5, -9, -15, -16, -26]

export class MegaEmulator {
  readonly requests: SeenRequest[] = []
  /** right answers to proofs of work */
  solved = 0
  /** wrong ones */
  unsolved = 0
  readonly #server: Server
  readonly #accounts = new Map<string, EmulatedAccount>()
  readonly #sessions = new Map<string, EmulatedAccount>()
  readonly #nodes: Node[] = []
  readonly #uploads = new Map<string, Buffer>()
  readonly #faults: { command: string; fault: Fault; left: number }[] = []
  readonly #challenges = new Map<string, number>()
  readonly #waiting = new Set<() => void>()

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy())
    })
  }

  static async start(port = 0, address = '127.0.0.1'): Promise<MegaEmulator> {
    const emulator = new MegaEmulator()
    await new Promise<void>((done) => emulator.#server.listen(port, address, done))
    return emulator
  }

  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo
    return `http://${address}:${port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }

  account(options: AccountOptions): EmulatedAccount {
    const account = new EmulatedAccount(options)
    this.#accounts.set(options.email, account)
    return account
  }

  /** A session and a linked file, as a host of an earlier start left them: for tests of what comes after. */
  anchored(account: EmulatedAccount, name: string) {
    const { sid } = account.open()
    this.#sessions.set(sid, account)
    const key = randomBytes(32)
    const plain = Buffer.from(`MEGA${JSON.stringify({ n: name })}`)
    const padded = Buffer.concat([plain, Buffer.alloc(16 - (plain.length % 16))])
    const [h, handle] = [e64(randomBytes(6)), e64(randomBytes(6))]
    this.#nodes.push({
      h,
      owner: account,
      k: e64(ecbSeal(account.masterKey, key)),
      size: 0,
      history: [e64(cbcSeal(fold(key), padded))],
      ph: handle,
      trashed: false,
    })
    return { sid, anchor: { node: h, handle, fileKey: e64(key) } }
  }

  /** The next `times` requests with this command meet the fault. `upload` is the bytes of a file. */
  fault(command: string, fault: Fault, times = 1): void {
    this.#faults.push({ command, fault, left: times })
  }

  /** Ends every fault. */
  mend(): void {
    this.#faults.length = 0
  }

  /** Every session ends, as when the owner signs out everywhere. */
  revoke(): void {
    this.#sessions.clear()
  }

  /** Moves every file to the rubbish bin, or takes it out again. */
  trash(trashed = true): void {
    for (const node of this.#nodes) node.trashed = trashed
  }

  /** Removes every file for good. */
  destroy(): void {
    this.#nodes.length = 0
  }

  count(command: string): number {
    return this.requests.filter((seen) => seen.command === command).length
  }

  /** Waits until that many requests with the command have come. */
  seen(command: string, count = 1): Promise<void> {
    return new Promise((done) => {
      const check = (): void => {
        if (this.count(command) < count) return
        this.#waiting.delete(check)
        done()
      }
      this.#waiting.add(check)
      check()
    })
  }

  /** The files of the accounts, opened with the account's own key. */
  files(): { name: string; content: string; attributes: Record<string, unknown> }[] {
    return this.#nodes.map((node) => {
      const key = ecbOpen(node.owner.masterKey, d64(node.k))
      const attributes = openAttributes(key, node.history.at(-1) ?? '')
      const bytes = this.#uploads.get(node.h) ?? Buffer.alloc(0)
      const counter = Buffer.concat([key.subarray(16, 24), Buffer.alloc(8)])
      const content = createDecipheriv('aes-128-ctr', fold(key), counter).update(bytes).toString()
      return { name: String(attributes.n), content, attributes }
    })
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url)
    const body = await readAll(request)
    const args = url.pathname === '/cs' ? parseCommand(body) : {}
    const command = url.pathname.startsWith('/ul/') ? 'upload' : String(args.a ?? request.method)
    const { headers, method = '' } = request
    const sid = url.searchParams.get('sid')
    this.requests.push({ command, sid, method, headers, args })
    for (const check of this.#waiting) check()
    response.setHeader('access-control-allow-origin', '*')
    if (method !== 'POST') return void response.writeHead(405).end()
    if (this.#answersChallenge(request, response)) return
    const fault = this.#faultOf(command)
    const carryOut = (): Buffer | string => {
      if (command === 'upload') return this.#upload(url.pathname.split('/')[2] ?? '', body)
      return JSON.stringify([this.#run(args, sid, fault)])
    }
    if (fault === null || fault.kind === 'at') response.end(carryOut())
    else await this.#fail(fault, response, carryOut)
  }

  #faultOf(command: string): Fault | null {
    const found = this.#faults.find((entry) => entry.command === command && entry.left > 0)
    if (found === undefined) return null
    found.left -= 1
    return found.fault
  }

  async #fail(
    fault: Exclude<Fault, { kind: 'at' }>,
    response: ServerResponse,
    carryOut: () => Buffer | string,
  ): Promise<void> {
    switch (fault.kind) {
      case 'error':
        return void response.end(fault.bare ? String(fault.error) : `[${fault.error}]`)
      case 'http':
        return void response.writeHead(fault.status).end('busy')
      case 'hashcash':
        return this.#challenge(response, fault.easiness)
      case 'delay':
        await new Promise((done) => setTimeout(done, fault.ms))
        return void response.end(carryOut())
      case 'hang':
        return
      case 'reset':
        return void response.destroy()
      case 'body':
        return void response.end(fault.text)
      case 'endless':
        return endless(response)
      case 'lost':
        carryOut()
        response.writeHead(200, { 'content-length': 1000 })
        response.write('[')
        return void response.destroy()
    }
  }

  #challenge(response: ServerResponse, easiness: number): void {
    const token = e64(randomBytes(48))
    this.#challenges.set(token, easiness)
    response.setHeader('X-Hashcash', `1:${easiness}:${Math.floor(Date.now() / 1000)}:${token}`)
    response.writeHead(402).end()
  }

  /** A request that claims to have done the work. @returns whether it was answered (it had not) */
  #answersChallenge(request: IncomingMessage, response: ServerResponse): boolean {
    const claim = request.headers['x-hashcash']
    if (typeof claim !== 'string') return false
    const [, token = '', prefix = ''] = claim.split(':')
    const easiness = this.#challenges.get(token)
    if (easiness !== undefined && worked(token, prefix, easiness)) {
      this.#challenges.delete(token)
      this.solved += 1
      return false
    }
    this.unsolved += 1
    this.#challenge(response, easiness ?? 255)
    return true
  }

  #upload(id: string, body: Buffer): Buffer {
    const token = randomBytes(36)
    if (this.#uploads.has(id)) this.#uploads.set(e64(token), body)
    return token
  }

  #run(args: Args, sid: string | null, fault: Fault | null): unknown {
    if (args.a === 'us0') return this.#accounts.get(String(args.user))?.prelogin ?? ENOENT
    if (args.a === 'us') return this.#signIn(args)
    if (args.a === 'g') return this.#get(args, fault)
    const account = this.#sessions.get(sid ?? '')
    if (account === undefined) return ESID
    if (account.blocked) return EBLOCKED
    return this.#runSigned(args, account, sid ?? '')
  }

  #signIn(args: Args): unknown {
    const account = this.#accounts.get(String(args.user))
    if (account === undefined || account.secrets().proof !== args.uh) return ENOENT
    if (account.blocked) return EBLOCKED
    if (account.code !== null && args.mfa === undefined) return EMFAREQUIRED
    if (account.code !== null && args.mfa !== account.code) return EFAILED
    const { sid, answer } = account.open()
    this.#sessions.set(sid, account)
    return answer
  }

  #runSigned(args: Args, account: EmulatedAccount, sid: string): unknown {
    const node = this.#nodes.find(({ h, owner }) => h === args.n && owner === account)
    switch (args.a) {
      case 'ug':
        return { u: account.user, email: account.email, name: 'Ada' }
      case 'f':
        return this.#list(account)
      case 'u': {
        const id = e64(randomBytes(9))
        this.#uploads.set(id, Buffer.alloc(0))
        return { p: `${this.url}/ul/${id}` }
      }
      case 'p':
        return this.#place(args, account)
      case 'a':
        return node === undefined ? ENOENT : change(node, args.at)
      case 'l':
        if (node === undefined || node.trashed) return ENOENT
        node.ph ??= e64(randomBytes(6))
        return node.ph
      case 'sml':
        this.#sessions.delete(sid)
        return 0
      default:
        return EARGS
    }
  }

  #get(args: Args, fault: Fault | null): unknown {
    const node = this.#nodes.find(({ ph, trashed }) => ph !== null && ph === args.p && !trashed)
    if (node === undefined) return ENOENT
    const file = { s: node.size, msd: 1, fa: '' }
    const how = fault?.kind === 'at' ? fault.how : null
    const newest = node.history.at(-1) ?? ''
    switch (how) {
      case null:
        return { ...file, at: newest }
      case 'missing':
        return file
      case 'stale':
        return { ...file, at: node.history.at(-2) ?? newest }
      case 'no-record':
        return { ...file, at: node.history[0] }
      case 'tampered':
        return { ...file, at: `${newest[0] === 'A' ? 'B' : 'A'}${newest.slice(1)}` }
    }
  }

  #place(args: Args, account: EmulatedAccount): unknown {
    const [file] = (args.n as [{ h: string; a: string; k: string }?]) ?? []
    const content = this.#uploads.get(file?.h ?? '')
    if (file === undefined || content === undefined || args.t !== rootOf(account)) return ENOENT
    openAttributes(ecbOpen(account.masterKey, d64(file.k)), file.a)
    const h = e64(randomBytes(6))
    this.#uploads.set(h, content)
    const node: Node = {
      h,
      owner: account,
      k: file.k,
      size: content.length,
      history: [file.a],
      ph: null,
      trashed: false,
    }
    this.#nodes.push(node)
    return { f: [listed(node)] }
  }

  #list(account: EmulatedAccount): object {
    const own = this.#nodes.filter(({ owner }) => owner === account)
    const folders = [2, 3, 4].map((t) => ({ h: folderOf(account, t), p: '', u: account.user, t }))
    return {
      f: [...folders, ...own.map(listed)],
      ok: [],
      ph: own.filter(({ ph }) => ph !== null).map(({ h, ph }) => ({ h, ph })),
    }
  }
}

const folderOf = (account: EmulatedAccount, type: number): string =>
  `${account.user.slice(0, 7)}${type}`
const rootOf = (account: EmulatedAccount): string => folderOf(account, 2)

const listed = (node: Node): object => ({
  h: node.h,
  p: folderOf(node.owner, node.trashed ? 4 : 2),
  u: node.owner.user,
  t: 0,
  a: node.history.at(-1),
  k: `${node.owner.user}:${node.k}`,
  s: node.size,
  ts: 1_700_000_000,
})

function change(node: Node, at: unknown): number {
  if (typeof at !== 'string' || d64(at).length > ATTRIBUTES_MAX_BYTES) return EARGS
  node.history.push(at)
  return 0
}

/** Throws unless the key is right. */
function openAttributes(key: Buffer, at: string): Record<string, unknown> {
  const text = cbcOpen(fold(key), d64(at)).toString('utf8').replace(/\0+$/, '')
  if (!text.startsWith('MEGA{')) throw new Error('attributes under another key')
  return JSON.parse(text.slice(4)) as Record<string, unknown>
}

/** Whether SHA-256 over the 4 bytes and 262 144 copies of the token stays below the threshold. */
function worked(token: string, prefix: string, easiness: number): boolean {
  const start = d64(prefix)
  if (start.length !== 4) return false
  const copies = Buffer.alloc(48 * HASHCASH_COPIES, d64(token))
  const hash = createHash('sha256').update(start).update(copies).digest()
  return hash.readUInt32BE() <= ((easiness & 63) * 2 + 1) * 2 ** ((easiness >> 6) * 7 + 3)
}

function endless(response: ServerResponse): void {
  const more = (): void => {
    if (!response.destroyed) response.write(' '.repeat(65_536), more)
  }
  response.on('error', () => undefined)
  more()
}

function parseCommand(body: Buffer): Args {
  const [command] = JSON.parse(body.toString()) as [Args]
  return command
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts)
}
