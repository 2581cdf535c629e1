// Random decisions that repeat with their seed.

/** Numbers from 0 up to 1 (xorshift32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
}

export class Dice {
  private readonly random: () => number;

  constructor(seed: number) {
    this.random = randomFrom(Math.imul(seed, 0x9e3779b1));
    // The first numbers of small seeds are alike.
    for (let n = 0; n < 8; n++) this.random();
  }

  /** An integer, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  pick<T>(from: readonly T[]): T {
    const one = from[this.between(0, from.length - 1)];
    if (one === undefined) throw new Error('There is nothing to pick from.');
    return one;
  }

  /** That many different items, or all if there are fewer. */
  some<T>(from: readonly T[], count: number): T[] {
    return this.shuffled(from).slice(0, count);
  }

  shuffled<T>(from: readonly T[]): T[] {
    const list = [...from];
    for (let n = list.length - 1; n > 0; n--) {
      const other = this.between(0, n);
      [list[n], list[other]] = [list[other] as T, list[n] as T];
    }
    return list;
  }

  /** Deals all items again and again, each time in another order. */
  deck<T>(of: readonly T[]): () => T {
    let left: T[] = [];
    return () => {
      if (left.length === 0) left = this.shuffled(of);
      return left.pop() as T;
    };
  }
}
