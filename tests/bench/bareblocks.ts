// What a file costs without us: the same bytes in the same pieces over the bare channel, with as many on their way.

/** One of the four messages of a block. */
export const FRAME_BYTES = 16_384
