export class Tally {
  sum: u32 = 0;
  private largest: u32 = 0;

  add(value: u32, reduce: (value: u32) => u32): void {
    const reduced = reduce(value);
    this.sum += reduced;
    if (reduced > this.largest) {
      this.largest = reduced;
    }
  }
}
