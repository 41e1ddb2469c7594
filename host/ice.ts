// The host's side of ICE, without gathering (RFC 8445 §2.5 "lite"): answers checks that the gate admitted, follows the
// client's nomination, and lets only decent DTLS records through to werift (host/dtlsfilter.ts).
import {
  type Candidate,
  type CandidatePair,
  Event,
  type IceConnection,
  RTCIceGatherer,
} from 'werift'
import { DtlsFilter } from './dtlsfilter.ts'

export type SendTo = (datagram: Buffer) => void

/** werift's interface to an ICE agent; what a lite host never does is empty. */
class LiteConnection implements IceConnection {
  iceLite = true
  iceControlling = false
  remoteIsLite = false
  localUsername = ''
  localPassword = ''
  remotePassword = ''
  remoteUsername = ''
  checkList: CandidatePair[] = []
  localCandidates: Candidate[] = []
  remoteCandidates: Candidate[] = []
  candidatePairs: CandidatePair[] = []
  generation = 0
  options = {} as IceConnection['options']
  remoteCandidatesEnd = true
  localCandidatesEnd = true
  state: IceConnection['state'] = 'new'
  readonly onData = new Event<[Buffer]>()
  readonly stateChanged = new Event<[IceConnection['state']]>()
  readonly onIceCandidate = new Event<[Candidate]>()
  readonly #filter = new DtlsFilter()
  #send: SendTo | null = null

  /** The client nominated this path. @returns whether it is the first */
  select(send: SendTo): boolean {
    const first = this.#send === null
    this.#send = send
    if (first) {
      this.state = 'connected'
      this.stateChanged.execute('connected')
    }
    return first
  }

  /** A datagram that looks like DTLS, from a path of this peer. */
  receive(datagram: Buffer): void {
    this.#filter.pass(datagram, (record) => {
      if (this.state === 'connected') this.onData.execute(record)
    })
  }

  /** werift could open the record that it was just given. */
  opened(): void {
    this.#filter.opened()
  }

  async send(data: Buffer): Promise<void> {
    if (this.state === 'connected') this.#send?.(data)
  }

  async close(): Promise<void> {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.stateChanged.execute('closed')
    this.onData.complete()
    this.stateChanged.complete()
    this.onIceCandidate.complete()
  }

  restart(): void {}
  setIceServers(): void {}
  setRemoteParams(): void {}
  resetNominatedPair(): void {}
  async gatherCandidates(): Promise<void> {}
  async connect(): Promise<void> {}
  async addRemoteCandidate(): Promise<void> {}
  getDefaultCandidate(): Candidate | undefined {
    return undefined
  }
}

/** Hands werift our agent instead of one that gathers. */
export class LiteGatherer extends RTCIceGatherer {
  override readonly connection = new LiteConnection()
  override async gather(): Promise<void> {}
}
