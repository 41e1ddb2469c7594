// What stands under simple-peer in the page instead of Node's streams: as far as simple-peer uses it, it does the same.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { Buffer as OurBuffer, Duplex as OurDuplex } from '../../web/peerstream.ts'

const require = createRequire(createRequire(import.meta.url).resolve('simple-peer'))
const { Duplex: TheirDuplex } = require('readable-stream') as {
  Duplex: new (options: { allowHalfOpen: boolean; objectMode: boolean }) => OurDuplex
}

class Theirs extends TheirDuplex {
  _read(): void {}
}

const kinds = {
  ours: () => new OurDuplex(),
  theirs: () => new Theirs({ allowHalfOpen: false, objectMode: true }),
}

describe.each(Object.entries(kinds))('%s', (_, make) => {
  test('what is pushed comes once, in order, to all who listen', async () => {
    const stream = make()
    const heard: unknown[] = []
    stream.on('data', (chunk) => heard.push(['a', chunk]))
    stream.on('data', (chunk) => heard.push(['b', chunk]))
    const ended = new Promise<void>((resolve) => void stream.on('end', () => resolve()))
    for (const chunk of ['one', 'two']) stream.push(chunk)
    stream.push(null)
    await ended
    const expected = ['one', 'two'].flatMap((chunk) => [
      ['a', chunk],
      ['b', chunk],
    ])
    expect(heard).toEqual(expected)
    expect(stream._readableState.ended).toBe(true)
  })

  test('once is once, and who is removed hears nothing', () => {
    const stream = make()
    const heard: unknown[] = []
    const other = (word: unknown): void => void heard.push(['other', word])
    stream.once('connect', (word) => heard.push(['once', word]))
    stream.on('connect', other)
    stream.removeListener('connect', other)
    expect(stream.emit('connect', 1)).toBe(true)
    expect(stream.emit('connect', 2)).toBe(false)
    expect(heard).toEqual([['once', 1]])
  })

  test('an error that nobody listens to is thrown', () => {
    expect(() => make().emit('error', new RangeError('lost'))).toThrow(RangeError)
  })

  test('its end is told as finish', async () => {
    const stream = make()
    expect(stream._writableState.finished).toBe(false)
    const finished = new Promise<void>((resolve) => void stream.once('finish', () => resolve()))
    stream.end()
    await finished
    expect(stream._writableState.finished).toBe(true)
  })
})

test('bytes that arrive are the very bytes', () => {
  const sent = Uint8Array.of(0, 127, 255)
  expect(new Uint8Array(OurBuffer.from(sent.buffer))).toEqual(sent)
})

test('simple-peer asks for no more of it than is here', () => {
  const source = readFileSync(createRequire(import.meta.url).resolve('simple-peer'), 'utf8')
  const used = [
    ...source.matchAll(
      /\b(?:this\.(_(?:readable|writable)State\.\w+)|Buffer\.(\w+)|stream\.([A-Z]\w+))/g,
    ),
  ]
  const names = [...new Set(used.map((match) => match[1] ?? match[2] ?? match[3]))].sort()
  expect(names).toEqual(['Duplex', '_readableState.ended', '_writableState.finished', 'from'])
})
