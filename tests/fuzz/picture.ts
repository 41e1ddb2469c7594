// The size of a picture by its first bytes (shared/pictureheader.ts): whatever they are, an answer at once, and no error.
import {
  isDecodable,
  isMemberPicture,
  PICTURE_SIDE_MAX,
  PIXELS_MAX,
  pictureSize,
} from '../../shared/pictureheader.ts'
import { must, type Target } from './target.ts'

export const picture: Target = {
  name: 'picture',
  maxBytes: 4000,
  run(input) {
    const size = pictureSize(input)
    const isBorne = isMemberPicture(input)
    if (size === null) return must(!isBorne, 'a member bears what is a picture')
    must(!isBorne || (size.width === size.height && size.width <= PICTURE_SIDE_MAX), 'and small')
    must(Number.isSafeInteger(size.width) && size.width >= 0, 'a width is a number')
    must(Number.isSafeInteger(size.height) && size.height >= 0, 'a height is a number')
    if (isDecodable(size)) must(size.width * size.height <= PIXELS_MAX, 'nothing larger is decoded')
  },
}
