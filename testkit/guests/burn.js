// A WASI 0.2 command in JavaScript: about a second of CPU in burn, called by rounds. The engine is the guest's code.
function burn(steps) {
  let x = 1;
  for (let i = 0; i < steps; i++) x = (x * 48271) % 2147483647;
  return x;
}

function rounds(count, steps) {
  const results = [];
  for (let i = 0; i < count; i++) results.push(burn(steps));
  return results;
}

export const run = {
  run() {
    const results = rounds(10, 1600000);
    console.log(`rounds ${results.length} result ${results[results.length - 1]}`);
  },
};
