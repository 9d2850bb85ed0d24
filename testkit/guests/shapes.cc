// C++ with what makes names hard: templates, namespaces, lambdas, virtual calls, std::sort, inlines.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#define PHYSICAL __attribute__((noinline))

namespace shapes {

struct Shape {
  virtual ~Shape() = default;
  virtual double area(double scale) const = 0;
};

template <typename T>
inline T squared(T side) {
  return side * side;
}

template <typename T>
struct Square : Shape {
  explicit Square(T side) : side(side) {}
  double area(double scale) const override { return scale * static_cast<double>(squared(side)); }
  T side;
};

namespace round {

struct Circle : Shape {
  explicit Circle(double radius) : radius(radius) {}
  double area(double scale) const override {
    double sum = 0;
    for (int i = 1; i < 40; i++) {
      sum += scale * squared(radius) / squared(i);
    }
    return sum;
  }
  double radius;
};

}  // namespace round

template <typename Key, typename Compare>
PHYSICAL void order(std::vector<Key> &keys, Compare compare) {
  std::sort(keys.begin(), keys.end(), compare);
}

namespace {

PHYSICAL double total(const std::vector<std::unique_ptr<Shape>> &all, double scale) {
  double sum = 0;
  for (const auto &shape : all) {
    sum += shape->area(scale);
  }
  return sum;
}

}  // namespace
}  // namespace shapes

int main(int argc, char **argv) {
  int rounds = argc > 1 ? std::atoi(argv[1]) : 10000;
  std::vector<std::unique_ptr<shapes::Shape>> all;
  for (int i = 0; i < 500; i++) {
    if (i % 3 == 0) {
      all.push_back(std::make_unique<shapes::round::Circle>(i));
    } else {
      all.push_back(std::make_unique<shapes::Square<int>>(i));
    }
  }
  double sum = 0;
  uint32_t seed = 1;
  auto draw = [&seed] { return seed = seed * 1664525u + 1013904223u; };
  for (int round = 0; round < rounds; round++) {
    sum += shapes::total(all, 1.0 / (round + 1));
    std::vector<uint32_t> keys(2000);
    std::generate(keys.begin(), keys.end(), draw);
    shapes::order(keys, [](uint32_t a, uint32_t b) { return (a >> 3) < (b >> 3); });
    sum += keys[static_cast<size_t>(round) % keys.size()];
  }
  std::printf("%.3f\n", sum);
  return 0;
}
