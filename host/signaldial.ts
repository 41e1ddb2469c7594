// The route `signal` from the other side (SPEC §4.6): a program knocks by TCP, and talks only to the certificate of the record.
import { randomBytes, type X509Certificate } from 'node:crypto'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { WebSocket } from 'ws'
import { equal, fromHex } from '../shared/bytes.ts'
import { FRAME_MAX_BYTES, HINT_BYTES, SIGNAL_PATH } from '../shared/constants.ts'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import { hostTag, sealKnock } from '../shared/knock.ts'
import { around, type Carrier, candidates, type DialInput, epochsToTry } from '../web/targets.ts'

const DEADLINE_MS = 8000
/** What one address gets for itself before the next is tried beside it. */
const NEXT_AFTER_MS = 300

interface Target {
  readonly ip: string
  readonly port: number
}

/** Throws ClawError: `no-answer`, `certificate-foreign`, `record-stale`. */
export async function dialSignal(input: DialInput): Promise<Carrier> {
  const { record, timesMs, onlyEpoch } = input
  if (onlyEpoch !== undefined) return dialEpoch(input, onlyEpoch, [onlyEpoch])
  let failure: unknown
  for (const epoch of epochsToTry(record, timesMs)) {
    try {
      return await dialEpoch(input, epoch, around(epoch))
    } catch (error) {
      failure ??= error
    }
  }
  throw failure
}

/** All addresses, one a little after the other; the first that proves to be the host is used. */
async function dialEpoch(
  input: DialInput,
  epoch: number,
  ports: readonly number[],
): Promise<Carrier> {
  const { record } = input
  const fingerprint = record.schedule[epoch - record.firstEpoch]?.fingerprint
  if (fingerprint === undefined) throw new ClawError('record-stale')
  const over = new AbortController()
  const deadline = setTimeout(() => over.abort(), DEADLINE_MS)
  const attempts: Promise<Carrier>[] = []
  try {
    for (const target of candidates(record, ports, 'tcp')) {
      attempts.push(knockAt(target, input, epoch, fingerprint, over.signal))
      const early = await Promise.race([Promise.any(attempts).catch(() => null), pause()])
      if (early !== null) break
    }
    const winner = await Promise.any(attempts)
    for (const attempt of attempts)
      attempt.then((carrier) => carrier !== winner && carrier.close()).catch(() => undefined)
    return winner
  } catch (error) {
    throw new ClawError(mostTelling(error))
  } finally {
    clearTimeout(deadline)
    over.abort()
  }
}

const pause = (): Promise<null> =>
  new Promise((resolve) => setTimeout(() => resolve(null), NEXT_AFTER_MS))

function mostTelling(error: unknown): ClawErrorCode {
  const errors: unknown[] = error instanceof AggregateError ? error.errors : [error]
  const foreign = (each: unknown): boolean =>
    each instanceof ClawError && each.code === 'certificate-foreign'
  return errors.some(foreign) ? 'certificate-foreign' : 'no-answer'
}

/** `over` ends it unless it has become the carrier by then. */
async function knockAt(
  target: Target,
  { record, root, timesMs }: DialInput,
  epoch: number,
  hostFingerprint: Uint8Array,
  over: AbortSignal,
): Promise<Carrier> {
  const clientFingerprint = new Uint8Array(32)
  const knock = sealKnock({
    ...{ root, epoch, route: 'signal', clientFingerprint, clientUfrag: '' },
    hostTag: hostTag(record.hostPublicKey),
    timeMs: timesMs[0] ?? record.issuedMs,
    nonce: new Uint8Array(randomBytes(12)),
  })
  const socket = connectTcp({ host: target.ip, port: target.port, noDelay: true })
  const end = (): void => void socket.destroy()
  over.addEventListener('abort', end, { once: true })
  if (over.aborted) end()
  try {
    const line = await openLine(await encrypt(socket, knock, hostFingerprint))
    const hint = knock.slice(0, HINT_BYTES)
    const bound = { knock, hint, hostFingerprint, clientFingerprint, epoch }
    return { ...carrierOf(line), ...bound, route: 'signal' }
  } catch (error) {
    end()
    throw error
  } finally {
    over.removeEventListener('abort', end)
  }
}

/** The knock, then TLS; throws ClawError before anything is said to another certificate's holder. */
async function encrypt(
  socket: Socket,
  knock: Uint8Array,
  fingerprint: Uint8Array,
): Promise<TLSSocket> {
  await happens(socket, 'connect')
  socket.write(knock)
  // The record names the one certificate that counts; authorities and names have no part in it.
  const tls = connectTls({ socket, minVersion: 'TLSv1.3', rejectUnauthorized: false })
  await happens(tls, 'secureConnect')
  const shown = tls.getPeerX509Certificate()
  if (shown === undefined || !equal(fingerprintOf(shown), fingerprint)) {
    tls.destroy()
    throw new ClawError('certificate-foreign')
  }
  return tls
}

const fingerprintOf = (certificate: X509Certificate): Uint8Array =>
  fromHex(certificate.fingerprint256.replaceAll(':', ''))

function happens(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(new ClawError('no-answer'))
    socket.once(event, resolve)
    socket.on('error', fail)
    socket.once('close', fail)
  })
}

async function openLine(tls: TLSSocket): Promise<WebSocket> {
  const line = new WebSocket(`ws://host${SIGNAL_PATH}`, {
    ...{ createConnection: () => tls, perMessageDeflate: false, maxPayload: FRAME_MAX_BYTES },
  })
  await new Promise<void>((resolve, reject) => {
    line.once('open', resolve)
    line.on('error', () => reject(new ClawError('no-answer')))
    line.once('close', () => reject(new ClawError('no-answer')))
  })
  return line
}

function carrierOf(line: WebSocket): Pick<Carrier, 'send' | 'onMessage' | 'onClose' | 'close'> {
  const unread: Uint8Array[] = []
  const listeners: ((bytes: Uint8Array) => void)[] = []
  line.on('message', (data, isBinary) => {
    if (!isBinary || !(data instanceof Buffer)) return line.terminate()
    const bytes = new Uint8Array(data)
    if (listeners.length === 0) unread.push(bytes)
    for (const listener of listeners) listener(bytes)
  })
  return {
    send: (bytes) => line.send(bytes, () => undefined),
    onMessage: (listener) => {
      listeners.push(listener)
      for (const bytes of unread.splice(0)) listener(bytes)
    },
    onClose: (listener) => {
      if (line.readyState === line.CLOSED) listener()
      else line.once('close', listener)
    },
    close: () => {
      line.close()
      setTimeout(() => line.terminate(), 1000).unref()
    },
  }
}
