// The size of a picture by its first bytes (web/pictureheader.ts): whatever they are, an answer at once, and no error.
import { isDecodable, PIXELS_MAX, pictureSize } from '../../web/pictureheader.ts'
import { must, type Target } from './target.ts'

export const picture: Target = {
  name: 'picture',
  maxBytes: 4000,
  run(input) {
    const size = pictureSize(input)
    if (size === null) return
    must(Number.isSafeInteger(size.width) && size.width >= 0, 'a width is a number')
    must(Number.isSafeInteger(size.height) && size.height >= 0, 'a height is a number')
    if (isDecodable(size)) must(size.width * size.height <= PIXELS_MAX, 'nothing larger is decoded')
  },
}
