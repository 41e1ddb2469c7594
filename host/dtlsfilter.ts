// Which DTLS records werift may see (protocol facts in DESIGN.md). It honours spoofed plaintext, so plaintext ends early;
// it takes records of unknown types for alerts; and it knows no replay, so the window of RFC 6347 §4.1.2.6 is here.

const HEADER = 13
const TYPE = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const
/** explicit nonce 8 and tag 16 of AES-GCM */
const MIN_SEALED_BYTES = 24
const REPLAY_WINDOW = 4096

/** Filters the records of one association, in their order of arrival. */
export class DtlsFilter {
  /** sequence numbers of data that werift could open, at least those of the window */
  readonly #seen = new Set<number>()
  #highest = -1
  /** of the sealed data record that is being delivered */
  #delivering: number | null = null

  /** Delivers each record of a datagram that may pass. */
  pass(datagram: Buffer, deliver: (record: Buffer) => void): void {
    let at = 0
    while (at + HEADER <= datagram.length) {
      const end = at + HEADER + datagram.readUInt16BE(at + 11)
      if (end > datagram.length) return
      const record = datagram.subarray(at, end)
      at = end
      if (!this.#allows(record)) continue
      this.#delivering = isSealedData(record) ? sequenceOf(record) : null
      deliver(record)
      this.#delivering = null
    }
  }

  /**
   * The record that is being delivered was opened, so it is the peer's own: only such records move the window and end
   * plaintext, or a spoofer could do both.
   */
  opened(): void {
    if (this.#delivering === null) return
    this.#seen.add(this.#delivering)
    this.#highest = Math.max(this.#highest, this.#delivering)
    if (this.#seen.size < 2 * REPLAY_WINDOW) return
    for (const sequence of this.#seen) if (this.#isOld(sequence)) this.#seen.delete(sequence)
  }

  #isOld(sequence: number): boolean {
    return sequence <= this.#highest - REPLAY_WINDOW
  }

  #allows(record: Buffer): boolean {
    const type = record[0]
    const epoch = record.readUInt16BE(3)
    const handshakes = this.#highest < 0
    if (epoch === 0)
      return handshakes && (type === TYPE.changeCipherSpec || type === TYPE.handshake)
    if (epoch !== 1 || record.length - HEADER < MIN_SEALED_BYTES) return false
    if (type === TYPE.handshake) return handshakes
    if (type === TYPE.alert) return namesItsNonce(record)
    const sequence = sequenceOf(record)
    return isSealedData(record) && !this.#isOld(sequence) && !this.#seen.has(sequence)
  }
}

const isSealedData = (record: Buffer): boolean =>
  record[0] === TYPE.applicationData && record.readUInt16BE(3) === 1

const sequenceOf = (record: Buffer): number => record.readUIntBE(5, 6)

/**
 * werift reads an alert's first two bytes as plaintext before it tries to decrypt, and ends the session by what they
 * say. Honest alerts begin with epoch and sequence number as their explicit nonce (RFC 5288 §3), and 00 01 says nothing.
 */
const namesItsNonce = (record: Buffer): boolean =>
  record.subarray(HEADER, HEADER + 8).equals(record.subarray(3, 11))
