// Where a host's part is tried in which no member bears a picture.
import type { Pictures } from '../host/pictures.ts'

export const NO_PICTURES: Pick<Pictures, 'answer'> = {
  answer: async (_, { token }) => ({
    ...{ type: 'pictured', token, code: null, picture: new Uint8Array() },
  }),
}
