// The fetch that megajs is given (SPEC §3.3.1). The library has no timeout, follows what it is told and reads whatever
// comes; here every request has a deadline and a limit, and MEGA's errors become codes before the library sees them.
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import { codeOfError, MEGA_ANSWER_MAX, type MegaAnswer, parseAnswer } from '../shared/mega.ts'

export interface MegaWire {
  /** without trailing slash */
  readonly gateway: string
  readonly timeoutMs: number
  /** whoever waits for nobody else leaves "busy" (-3) to megajs, which asks four times more, after 2, 4, 8 and 16 s */
  readonly retryBusy: boolean
  /** longest answer; a list of all files of an account is long */
  readonly maxBytes?: number
  readonly signal?: AbortSignal
}

type MegaFetch = (url: string, init: RequestInit) => Promise<Response>

/** MEGA lets programs in that say who they are. */
const USER_AGENT = 'ClawChat (megajs)'
const AGAIN = -3

/** Rejects with ClawError only: `store-unreachable`, `store-refused`, `mega-…`. */
export function megaFetch(wire: MegaWire): MegaFetch {
  return async (url, init) => {
    refuseForeign(url, wire.gateway)
    const headers = new Headers(init.headers)
    headers.set('user-agent', USER_AGENT)
    const signals = [AbortSignal.timeout(wire.timeoutMs), ...(wire.signal ? [wire.signal] : [])]
    try {
      const signal = AbortSignal.any(signals)
      // A redirect could send the session to someone else.
      const answer = await fetch(url, { ...init, headers, redirect: 'error', signal })
      return await judge(answer, commandOf(init.body), wire)
    } catch (error) {
      throw error instanceof ClawError ? error : new ClawError('store-unreachable')
    }
  }
}

/** The upload's address comes from an answer: https, or wherever the gateway itself is. */
function refuseForeign(url: string, gateway: string): void {
  const target = URL.parse(url)
  const ours = target?.protocol === 'https:' || target?.origin === new URL(gateway).origin
  if (!ours) throw new ClawError('store-refused')
}

/** The name of the command, or null for the bytes of an upload. */
function commandOf(body: unknown): string | null {
  if (typeof body !== 'string') return null
  const [first] = JSON.parse(body) as [{ a?: unknown }]
  return typeof first?.a === 'string' ? first.a : null
}

async function judge(answer: Response, command: string | null, wire: MegaWire): Promise<Response> {
  if (answer.status === 402) return challenge(answer)
  if (!answer.ok) {
    await answer.body?.cancel()
    throw new ClawError(codeOfStatus(answer.status))
  }
  const bytes = await readAll(answer, wire.maxBytes ?? MEGA_ANSWER_MAX)
  if (command === null) return uploaded(bytes)
  const said = heard(bytes, wire)
  if ('value' in said) return Response.json([said.value])
  if (said.error === AGAIN && wire.retryBusy) return Response.json([AGAIN])
  throw new ClawError(codeFor(command, said.error))
}

/** megajs judges what an upload gave, a token or an error number; for nothing at all it would wait for ever. */
function uploaded(bytes: Buffer<ArrayBuffer>): Response {
  if (bytes.length === 0) throw new ClawError('store-refused')
  return new Response(bytes)
}

function heard(bytes: Buffer, wire: MegaWire): MegaAnswer {
  try {
    return parseAnswer(bytes.toString(), wire.maxBytes)
  } catch {
    throw new ClawError('store-refused')
  }
}

const codeOfStatus = (status: number): ClawErrorCode => {
  if (status === 509) return 'mega-quota'
  return status === 429 || status >= 500 ? 'store-unreachable' : 'store-refused'
}

const SIGN_IN: Readonly<Record<number, ClawErrorCode>> = {
  // No such account, a wrong password, an account whose e-mail address was never confirmed.
  [-9]: 'mega-login',
  [-13]: 'mega-login',
  // A code of the second factor that is wrong or late.
  [-5]: 'mega-2fa',
  [-8]: 'mega-2fa',
}

/** What they do not find is the file or its link. */
const OF_ANCHOR: readonly string[] = ['a', 'g', 'l']

function codeFor(command: string, error: number): ClawErrorCode {
  const special = command === 'us0' || command === 'us' ? SIGN_IN[error] : undefined
  const code = special ?? codeOfError(error)
  return code === 'mega-gone' && !OF_ANCHOR.includes(command) ? 'store-refused' : code
}

/** Most hashes a challenge may cost on average, 12 MB each: two minutes of one core. MEGA's own cost 256. */
const MAX_HASHES = 4096

/** A proof of work. megajs solves it and asks again; it would spend hours on one of a hostile gateway. */
async function challenge(answer: Response): Promise<Response> {
  await answer.body?.cancel()
  const asked = answer.headers.get('x-hashcash') ?? ''
  const [version, easiness, , token = ''] = asked.split(':')
  const fair = version === '1' && /^\d{1,3}$/.test(easiness ?? '') && /^[\w-]{64}$/.test(token)
  if (!fair || hashesFor(Number(easiness)) > MAX_HASHES) throw new ClawError('store-unreachable')
  return new Response(null, { status: 402, headers: { 'X-Hashcash': asked } })
}

/** The first 32 bits of a hash must not exceed a threshold that this one byte spells. */
function hashesFor(easiness: number): number {
  if (easiness > 255) return Number.POSITIVE_INFINITY
  return 2 ** 32 / (((easiness & 63) * 2 + 1) * 2 ** ((easiness >> 6) * 7 + 3))
}

async function readAll(answer: Response, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of answer.body ?? []) {
    length += part.length
    if (length > maxBytes) throw new ClawError('store-refused')
    parts.push(part)
  }
  return Buffer.concat(parts)
}
