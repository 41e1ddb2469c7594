// A part of the page that is loaded later: once, and anew after a failure.
import { expect, test } from 'vitest'
import { ClawError } from '../../shared/error.ts'
import { Part } from '../../web/part.ts'

test('it is fetched once, whoever asks', async () => {
  let fetched = 0
  const part = new Part(async () => ({ nth: ++fetched }))
  expect(part.view).toBeNull()
  part.preload()
  const [first, second] = await Promise.all([part.load(), part.load()])
  expect(first).toBe(second)
  expect(part.view).toBe(first)
  expect(await part.load()).toBe(first)
  expect(fetched).toBe(1)
})

test('what does not come is page-incomplete, and is asked for anew', async () => {
  let fails = true
  const part = new Part(async () => {
    if (fails) throw new TypeError('Failed to fetch dynamically imported module')
    return 'here'
  })
  await expect(part.load()).rejects.toThrow(new ClawError('page-incomplete'))
  expect(part.view).toBeNull()
  fails = false
  expect(await part.load()).toBe('here')
  expect(part.view).toBe('here')
})
