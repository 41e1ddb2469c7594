// Which DTLS records werift may see (protocol facts in DESIGN.md): it honours spoofed plaintext, so plaintext ends early.

const HEADER = 13
const TYPE = { changeCipherSpec: 20, handshake: 22, applicationData: 23 } as const
/** explicit nonce 8 and tag 16 of AES-GCM */
const MIN_SEALED_BYTES = 24

/** Filters the datagrams of one association, in their order of arrival. */
export class DtlsFilter {
  #sealed = false

  /** The records that may pass, in one datagram, or null if none may. */
  pass(datagram: Buffer): Buffer | null {
    const kept: Buffer[] = []
    let at = 0
    while (at + HEADER <= datagram.length) {
      const length = datagram.readUInt16BE(at + 11)
      const end = at + HEADER + length
      if (end > datagram.length) break
      if (this.#allows(datagram[at] ?? 0, datagram.readUInt16BE(at + 3), length)) {
        kept.push(datagram.subarray(at, end))
      }
      at = end
    }
    if (kept.length === 0) return null
    return kept.length === 1 && kept[0]?.length === datagram.length ? datagram : Buffer.concat(kept)
  }

  #allows(type: number, epoch: number, length: number): boolean {
    if (epoch === 0) {
      return !this.#sealed && (type === TYPE.changeCipherSpec || type === TYPE.handshake)
    }
    if (epoch !== 1 || length < MIN_SEALED_BYTES) return false
    if (type === TYPE.applicationData) this.#sealed = true
    return true
  }
}
