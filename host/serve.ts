// What a carrier becomes once it is open: an enrolment (mode 1) or a conversation (mode 2), as its credential says.
import type { Route } from '../shared/constants.ts'
import type { CryptoBackend, DhKey, RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import { sha256 } from '../shared/hash.ts'
import type { Locator } from '../shared/locator.ts'
import { type ClawMessage, ENROL_FAILURE, type EnrolFailure } from '../shared/messages.ts'
import type { Answer, Request } from '../shared/requests.ts'
import { ChatSession } from './chat.ts'
import type { HostEvent } from './config.ts'
import type { Files } from './files.ts'
import type { Hub } from './hub.ts'
import { answerCarrier, type Carrier, type SecureLink } from './link.ts'
import type { Members } from './members.ts'
import type { Pictures } from './pictures.ts'
import type { Asker } from './requests.ts'
import type { Rooms } from './rooms.ts'
import { stateFor } from './roster.ts'
import { Transfers } from './transfers.ts'

export interface Introduction {
  readonly route: Route
  readonly credentialId: string
  /** 93 bytes; on the route `mailbox` the envelope of the offer, 2048 */
  readonly knock: Uint8Array
  readonly hint: Uint8Array
  /** both zero on a relay */
  readonly clientFingerprint: Uint8Array
  readonly hostFingerprint: Uint8Array
}

export interface ServeInput {
  readonly hostPublicKey: Uint8Array
  readonly hostKey: DhKey
  readonly hostName: () => string
  readonly backend: CryptoBackend
  readonly random: RandomBytes
  readonly now: () => number
  /** calls back in so many ms. @returns a function that takes that back */
  readonly after: (ms: number, run: () => void) => () => void
  readonly members: Members
  readonly rooms: Rooms
  /** null: this host takes no files */
  readonly files: Files | null
  readonly pictures: Pick<Pictures, 'answer'>
  readonly hub: Hub
  /** how long it keeps any message (SPEC §7.10); 0: for ever */
  readonly keepMs: number
  readonly locator: () => Locator
  readonly recordSeq: () => number
  readonly record: () => Uint8Array
  readonly notice: () => ClawMessage | null
  /** Publishes the changed credentials; resolves once one store confirmed, or after a few seconds. */
  readonly publish: () => Promise<void>
  readonly request: (asker: Asker, token: number, request: Request) => Promise<Answer>
  readonly report: (event: HostEvent) => void
}

/** Takes over an open carrier whose knock was accepted. */
export function serveCarrier(carrier: Carrier, intro: Introduction, input: ServeInput): void {
  const credential = input.members.credential(intro.credentialId)
  if (credential === null) {
    carrier.close()
    return
  }
  const enrols = credential.kind === 'invite'
  answerCarrier(
    {
      carrier,
      backend: input.backend,
      random: input.random,
      now: input.now,
      context: {
        mode: enrols ? 'enrol' : 'connect',
        route: intro.route,
        hostPublicKey: input.hostPublicKey,
        hostFingerprint: intro.hostFingerprint,
        clientFingerprint: intro.clientFingerprint,
        hint: intro.hint,
        bind: sha256(intro.knock),
      },
      root: credential.root,
      hostKey: input.hostKey,
      devicePublicKey: enrols ? null : credential.devicePublicKey,
      recordSeq: input.recordSeq,
    },
    (link) => (enrols ? enrol(link, intro.credentialId, input) : converse(link, intro, input)),
  )
}

/** SPEC §6.3: the same answer for the same S_d, however often it asks. */
function enrol(link: SecureLink, inviteId: string, input: ServeInput) {
  return async (message: ClawMessage): Promise<void> => {
    if (message.type === 'bye') return link.close()
    if (message.type === 'ping') return link.send({ type: 'pong', token: message.token })
    if (message.type !== 'enrol') throw new ClawError('frame-invalid')
    try {
      const { deviceId, root } = input.members.reserve(
        inviteId,
        link.devicePublicKey,
        message.name,
        input.now(),
      )
      await input.publish()
      await link.send({ type: 'enrol-ok', device: deviceId, root, locator: input.locator() })
    } catch (error) {
      if (!(error instanceof ClawError) || !isEnrolFailure(error.code)) throw error
      await link.send({ type: 'enrol-fail', code: error.code })
    }
  }
}

const isEnrolFailure = (code: string): code is EnrolFailure => code in ENROL_FAILURE

function converse(link: SecureLink, { credentialId, route }: Introduction, input: ServeInput) {
  const device = credentialId
  const { members, rooms, files, pictures, hub, report } = input
  const confirmed = members.confirm(device, input.now(), (fresh) => rooms.joinDevice(fresh))
  if (confirmed.fresh) {
    report({ event: 'enrolled', member: confirmed.member, device })
    void input.publish()
  }
  const { member } = confirmed
  const session = new ChatSession({
    link,
    device,
    member,
    route,
    rooms,
    pictures,
    transfers: files === null ? null : new Transfers(files, member, link),
    hub,
    now: input.now,
    after: input.after,
    record: input.record,
    notice: input.notice,
    state: () => {
      const state = stateFor(members, rooms.list, device, hub.online, input.now())
      const { keepMs } = input
      return state && { type: 'state', hostName: input.hostName(), keepMs, ...state }
    },
    request: (token, request) => input.request({ device, member }, token, request),
    onConnected: () => report({ event: 'connected', member, device, route }),
  })
  hub.open(session)
  link.onClose(() => {
    members.seen(device, input.now())
    if (hub.leave(session)) report({ event: 'disconnected', member, device })
  })
  return (message: ClawMessage) => session.handle(message)
}
