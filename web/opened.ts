// Large files in the clear (SPEC §11.1): what is too much for memory is opened into a file of the origin's private file system,
// for as long as the tab lives that asked for it. A lock by the name of each says so to the others, and outlives no crash.

export const OPENED = 'clawchat-opened'

/** `parts`: one behind the other, `size` bytes in all. Rejects as the disk does, or as `parts`; then nothing of it stays. */
export async function openInto(
  id: string,
  size: number,
  type: string,
  parts: AsyncIterable<Uint8Array<ArrayBuffer>>,
): Promise<Blob> {
  const folder = await folderOf(true)
  const name = `${id}.${crypto.randomUUID()}`
  await holdLock(name)
  const file = await folder.getFileHandle(name, { create: true })
  const stream = await file.createWritable()
  try {
    for await (const part of parts) await stream.write(part)
    await stream.close()
  } catch (error) {
    await stream.abort().catch(() => undefined)
    await folder.removeEntry(name)
    throw error
  }
  // A slice has the type that it is given; the file itself would have one by its name.
  return (await file.getFile()).slice(0, size, type)
}

/** Deletes what no tab uses any more; with `id`, what was opened of this file, whoever uses it. */
export async function sweepOpened(id?: string): Promise<void> {
  const folder = await folderOf(false).catch(() => null)
  if (folder === null) return
  const names: string[] = []
  for await (const name of namesIn(folder)) names.push(name)
  const remove = (name: string): Promise<void> => folder.removeEntry(name).catch(() => undefined)
  for (const name of names) {
    if (id === undefined)
      await navigator.locks.request(lockOf(name), { ifAvailable: true }, (lock) =>
        lock === null ? undefined : remove(name),
      )
    else if (name.startsWith(`${id}.`)) await remove(name)
  }
}

const lockOf = (name: string): string => `${OPENED} ${name}`

async function folderOf(create: boolean): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory()
  return root.getDirectoryHandle(OPENED, { create })
}

/** Until this tab is gone. */
const holdLock = (name: string): Promise<void> =>
  new Promise((resolve) => {
    void navigator.locks.request(lockOf(name), () => {
      resolve()
      return new Promise<never>(() => undefined)
    })
  })

/** Files of a private file system are listed by browsers that TypeScript does not know of yet. */
const namesIn = (folder: FileSystemDirectoryHandle): AsyncIterable<string> =>
  (folder as unknown as { keys(): AsyncIterable<string> }).keys()
