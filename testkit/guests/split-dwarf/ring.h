// What both units of the guest share: a template, and functions that are inlined.
template <typename T, int Size> class Ring {
public:
  void push(T value) {
    items[next % Size] = value;
    next = next + 1;
  }
  T sum() const {
    T total = 0;
    for (int index = 0; index < Size; index++) total += items[index];
    return total;
  }

private:
  volatile T items[Size] = {};
  volatile int next = 0;
};

namespace mixing {
int mix(int seed, int rounds);
}
