// Decoders of plain layouts: locator, frame, frame plaintext, messages, events (SPEC §2.1, §6, §7).
// Every accepted input is the only encoding of what was read.
import { concat, Reader, Writer } from '../../shared/bytes.ts'
import { FRAME_BUCKETS, FRAME_MAX_BYTES, MESSAGE_MAX_BYTES } from '../../shared/constants.ts'
import { decodeEvent, encodeEvent } from '../../shared/events.ts'
import {
  decodeFrame,
  decodeFramePlaintext,
  encodeFrameHeader,
  encodeFramePlaintext,
} from '../../shared/frames.ts'
import { readLocator, writeLocator } from '../../shared/locator.ts'
import { decodeMessage, encodeMessage } from '../../shared/messages.ts'
import { attempt, must, mustEqual, type Target } from './target.ts'

const locator: Target = {
  name: 'locator',
  maxBytes: 2000,
  run(input) {
    const entries = attempt(['malformed'], () => {
      const reader = new Reader(input)
      const found = readLocator(reader, 'malformed')
      reader.end()
      return found
    })
    if (entries === null) return
    must(entries.length <= 8, 'at most 8 entries')
    const writer = new Writer()
    writeLocator(writer, entries)
    mustEqual(writer.done(), input, 'one encoding per locator')
  },
}

const frame: Target = {
  name: 'frame',
  maxBytes: FRAME_MAX_BYTES + 64,
  run(input) {
    const parts = attempt(['frame-invalid'], () => decodeFrame(input))
    if (parts === null) return
    mustEqual(concat(encodeFrameHeader(parts), parts.sealed), input, 'one encoding per frame')
    mustEqual(parts.aad, input.slice(0, 16), 'the header is the AAD')
  },
}

const framePlaintext: Target = {
  name: 'frame-plaintext',
  maxBytes: 17_000,
  run(input) {
    const plain = attempt(['frame-invalid'], () => decodeFramePlaintext(input))
    if (plain === null) return
    must(
      FRAME_BUCKETS.some((size) => size === input.length),
      'fills a bucket',
    )
    mustEqual(encodeFramePlaintext(plain), input, 'one encoding per plaintext')
  },
}

/** The first byte is the type. */
const message: Target = {
  name: 'message',
  maxBytes: 7000,
  run(input) {
    const [type = 0] = input
    const data = input.slice(1)
    const read = attempt(['malformed'], () => decodeMessage({ type, data }))
    if (read === null) return
    const written = encodeMessage(read)
    must(written.type === type && data.length <= MESSAGE_MAX_BYTES, 'keeps its type')
    mustEqual(written.data, data, 'one encoding per message')
    if (read.type === 'event') readsEvent(read.kind, read.body)
  },
}

function readsEvent(kind: number, body: Uint8Array): void {
  const event = attempt(['malformed'], () => decodeEvent(kind, body))
  if (event === null) return
  const written = encodeEvent(event)
  must(written.kind === kind, 'keeps its kind')
  mustEqual(written.body, body, 'one encoding per event')
}

/** The first byte is the kind. */
const event: Target = {
  name: 'event',
  maxBytes: 17_000,
  run: (input) => readsEvent(input[0] ?? 0, input.slice(1)),
}

export const LAYOUT_TARGETS: readonly Target[] = [locator, frame, framePlaintext, message, event]
