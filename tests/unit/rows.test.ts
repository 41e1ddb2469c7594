// Which rows of a long log are drawn, and where they stand.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Rows, SPARE, WHOLE } from '../../web/rows.ts'

const named = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ id: `m${from + i}` }))

function rowsOf(count: number, heightOf: (i: number) => number): Rows {
  const rows = new Rows()
  rows.follow(named(0, count))
  rows.measure(
    0,
    Array.from({ length: count }, (_, i) => heightOf(i)),
  )
  return rows
}

describe('offsets', () => {
  test('are the sums of the heights above, whatever is measured in whatever order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(500), { minLength: 1, maxLength: 60 }),
        fc.array(fc.tuple(fc.nat(60), fc.array(fc.nat(500), { maxLength: 20 })), { maxLength: 8 }),
        (first, later) => {
          const heights = [...first]
          const rows = rowsOf(first.length, (i) => heights[i] ?? 0)
          for (const [from, measured] of later) {
            rows.measure(from, measured)
            for (const [i, height] of measured.entries())
              if (from + i < heights.length) heights[from + i] = height
            let top = 0
            for (const [i, height] of heights.entries()) {
              expect(rows.offset(i)).toBe(top)
              top += height
            }
            expect(rows.height).toBe(top)
          }
        },
      ),
    )
  })

  test('what stays keeps its height when rows come in above, between and below, or go', () => {
    const rows = rowsOf(10, (i) => 100 + i)
    const around = [...named(-50, 0), ...named(0, 5), { id: 'between' }, ...named(6, 12)]
    rows.follow(around)
    for (const [i, { id }] of around.entries()) {
      const height = rows.offset(i + 1) - rows.offset(i)
      const known = Number(id.slice(1))
      const stayed = known >= 0 && known < 10
      // What is new is guessed like what was measured.
      expect(height, id).toBe(stayed ? 100 + known : 104.5)
    }
  })

  test('the row at a height is the one that covers it', () => {
    const heights = [10, 0, 30, 5]
    const rows = rowsOf(4, (i) => heights[i] ?? 0)
    const covering = [-5, 0, 9, 10, 39, 40, 44, 45, 900].map((top) => rows.at(top))
    expect(covering).toEqual([0, 0, 0, 2, 2, 3, 3, 3, 3])
    expect(new Rows().at(3)).toBe(0)
  })
})

describe('the place of the reader', () => {
  test('stays with its row when older ones come in above and rows above turn out higher', () => {
    const rows = rowsOf(300, () => 50)
    const place = rows.placeAt(50 * 200 + 20)
    expect(place).toEqual({ id: 'm200', above: 0.4 })
    if (place === null) throw new Error('no place')
    rows.follow(named(-100, 300))
    rows.measure(0, Array(10).fill(75))
    expect(rows.topOf(place)).toBe(50 * 300 + 20 + 10 * 25)
    expect(rows.topOf({ id: 'gone', above: 0 })).toBeNull()
  })

  test('is nowhere in an empty log', () => {
    expect(new Rows().placeAt(0)).toBeNull()
    expect(new Rows().span(null, 800)).toEqual({ from: 0, to: 0 })
  })
})

describe('what is drawn', () => {
  test('all of a short log', () => {
    const rows = rowsOf(WHOLE, () => 40)
    expect(rows.span(null, 800)).toEqual({ from: 0, to: WHOLE })
    expect(rows.span({ id: 'm3', above: 0 }, 800)).toEqual({ from: 0, to: WHOLE })
  })

  test('of a long one what is in view and enough around it, never much more, and at the end its end', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: WHOLE + 1, max: 5000 }),
        fc.nat(4999),
        fc.integer({ min: 200, max: 3000 }),
        fc.integer({ min: 20, max: 400 }),
        (count, at, view, height) => {
          const rows = rowsOf(count, (i) => height + (i % 7))
          const index = at % count
          const { from, to } = rows.span({ id: `m${index}`, above: 0.5 }, view)
          const inView = Math.ceil(view / height) + 1
          expect(from).toBeLessThanOrEqual(Math.max(0, index - SPARE))
          expect(to).toBeGreaterThanOrEqual(Math.min(count, index + 1 + SPARE))
          expect(to - from).toBeLessThanOrEqual(inView + 2 * SPARE + 32)
          expect(rows.span(null, view).to).toBe(count)
          expect(rows.lowest(null, view)).toBe(count - 1)
        },
      ),
    )
  })

  test('changes seldom while one scrolls on', () => {
    const rows = rowsOf(2000, () => 50)
    const spans = new Set<string>()
    for (let px = 0; px < 1600; px += 10) {
      const place = rows.placeAt(40_000 + px)
      spans.add(JSON.stringify(rows.span(place, 800)))
    }
    expect(spans.size).toBeLessThanOrEqual(5)
  })
})
