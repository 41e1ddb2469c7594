// The first half of the seeds; two files, so that two workers share them.
import { testSeeds } from './seeds.ts'

testSeeds(0, 2)
