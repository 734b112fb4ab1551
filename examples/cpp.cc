// The same from C++17: handles in unique_ptr, views of containers, lambdas as bodies.
#include <cstdio>
#include <memory>
#include <vector>
#include <tally/tally.h>

struct release {
    void operator()(tally_metric *m) const { tally_metric_release(m); }
    void operator()(tally_function *f) const { tally_function_release(f); }
};

int main()
{
    tally_error err;
    std::unique_ptr<tally_metric, release> accuracy(tally_binary_accuracy_new(nullptr, &err));
    std::unique_ptr<tally_function, release> f(tally_function_new(
        [](tally_trace *t, void *) {                              // (labels[n], scores[n], accuracy) -> accuracy, hits
            tally_node labels = tally_arg(t, 0), scores = tally_arg(t, 1);
            tally_metric_ref m = tally_arg_metric(t, 2);
            tally_update_state(t, m, labels, scores);
            tally_return_metric(t, m);
            tally_return(t, tally_reduce_sum(tally_eq(tally_gt(scores, tally_num(0.5)), tally_ne(labels, tally_num(0)))));
        }, nullptr, nullptr, &err));
    if (!accuracy || !f) return 1;

    std::vector<float> labels = { 1, 0, 1, 1 }, scores = { .9f, .2f, .4f, .8f };
    tally_tensor y = tally_vector(labels.data(), labels.size()), p = tally_vector(scores.data(), scores.size());
    tally_metric *back = nullptr;
    int64_t hits = 0;
    if (tally_call(f.get(), TALLY_IN(&y, &p, accuracy.get()), TALLY_OUT(&back, &hits), &err)) {
        std::fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    std::printf("Accuracy: %g (%d of %zu)\n", tally_metric_result(back), static_cast<int>(hits), labels.size());
}
