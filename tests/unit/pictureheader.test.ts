// How large a picture is, before anything decodes it (shared/pictureheader.ts): real ones, bombs, and whatever else comes.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat, toUtf8, Writer } from '../../shared/bytes.ts'
import {
  isDecodable,
  isMemberPicture,
  PIXELS_MAX,
  pictureSize,
} from '../../shared/pictureheader.ts'

const png = (width: number, height: number): Uint8Array =>
  new Writer(32)
    .u32(0x89504e47)
    .u32(0x0d0a1a0a)
    .u32(13)
    .bytes(toUtf8('IHDR'))
    .u32(width)
    .u32(height)
    .done()
const jpeg = (width: number, height: number, before: Uint8Array = new Uint8Array(0)): Uint8Array =>
  concat(
    Uint8Array.of(0xff, 0xd8),
    before,
    new Writer(16).u16(0xffc2).u16(17).u8(8).u16(height).u16(width).done(),
  )
const segment = (marker: number, length: number): Uint8Array =>
  new Writer(length + 2)
    .u16(marker)
    .u16(length)
    .zeros(length - 2)
    .done()
const little = (value: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => (value >>> (8 * i)) & 255)
const gif = (width: number, height: number): Uint8Array =>
  concat(toUtf8('GIF89a'), Uint8Array.from([...little(width, 2), ...little(height, 2)]))
const webp = (kind: string, rest: readonly number[]): Uint8Array =>
  concat(toUtf8('RIFF'), new Uint8Array(4), toUtf8(`WEBP${kind}`), Uint8Array.from(rest))

test.each([
  ['PNG', png(640, 400)],
  ['JPEG', jpeg(640, 400)],
  [
    'JPEG behind other segments',
    jpeg(640, 400, concat(segment(0xffe1, 5000), segment(0xffc4, 30))),
  ],
  ['GIF', gif(640, 400)],
  ['WebP, lossy', webp('VP8 ', [...new Array(10).fill(0), ...little(640, 2), ...little(400, 2)])],
  ['WebP, lossless', webp('VP8L', [0, 0, 0, 0, 0x2f, ...little(639 | (399 << 14), 4)])],
  ['WebP, extended', webp('VP8X', [...new Array(8).fill(0), ...little(639, 3), ...little(399, 3)])],
])('%s', (_, bytes) => {
  expect(pictureSize(bytes)).toEqual({ width: 640, height: 400 })
})

test('a picture of this tree is as large as it is', () => {
  const bytes = readFileSync(join(import.meta.dirname, '../../docs/screens/full.png'))
  const size = pictureSize(new Uint8Array(bytes))
  expect(size).toEqual({ width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) })
  expect(isDecodable(size)).toBe(true)
})

test('one that would unpack to gigabytes, or to nothing, is not decoded', () => {
  const side = Math.sqrt(PIXELS_MAX)
  expect(isDecodable(pictureSize(png(side, side)))).toBe(true)
  for (const [width, height] of [
    [side + 1, side],
    [2 ** 31, 2 ** 31],
    [0, 5],
    [5, 0],
  ] as const)
    expect(isDecodable(pictureSize(png(width, height)))).toBe(false)
  expect(isDecodable(pictureSize(toUtf8('<svg xmlns="http://www.w3.org/2000/svg"/>')))).toBe(false)
})

test('anything else, cut anywhere, is no picture and no error', () => {
  const heads = [
    png(1, 1),
    jpeg(1, 1, segment(0xffe0, 16)),
    gif(1, 1),
    webp('VP8X', new Array(20).fill(1)),
  ]
  const bytes = fc.tuple(fc.constantFrom(...heads), fc.nat(40), fc.uint8Array({ maxLength: 40 }))
  fc.assert(
    fc.property(bytes, ([head, cut, tail]) => {
      const size = pictureSize(concat(head.slice(0, cut), tail))
      expect(size === null || (size.width >= 0 && size.height >= 0)).toBe(true)
    }),
  )
})

test('a member bears a small square still JPEG or WebP, and nothing else (SPEC §7.11)', () => {
  const lossy = (width: number, height: number): Uint8Array =>
    webp('VP8 ', [...new Array(10).fill(0), ...little(width, 2), ...little(height, 2)])
  const lossless = (side: number): Uint8Array =>
    webp('VP8L', [0, 0, 0, 0, 0x2f, ...little((side - 1) | ((side - 1) << 14), 4)])
  const extended = webp('VP8X', [...new Array(8).fill(0), ...little(63, 3), ...little(63, 3)])
  for (const good of [jpeg(1, 1), jpeg(128, 128), lossy(128, 128), lossless(128)])
    expect(isMemberPicture(good)).toBe(true)
  for (const bad of [
    ...[jpeg(129, 129), jpeg(64, 63), jpeg(0, 0), jpeg(65_535, 65_535), lossy(129, 129)],
    ...[lossy(64, 65), lossless(129), extended, png(64, 64), gif(64, 64), new Uint8Array()],
    ...[toUtf8('<svg xmlns="http://www.w3.org/2000/svg"/>'), toUtf8('<html>')],
    concat(jpeg(64, 64), new Uint8Array(16_384)),
    jpeg(64, 64, segment(0xffe1, 20_000)),
  ])
    expect(isMemberPicture(bad)).toBe(false)
})
