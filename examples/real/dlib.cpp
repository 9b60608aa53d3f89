// dlib::sgd, one solver for each parameter, which stands for a layer; with decay multiplier 1.
#include <dlib/dnn.h>
#include <memory>
#include <vector>
#include "../words.h"

struct layer {
    dlib::resizable_tensor params;
    const dlib::tensor &get_layer_params() const { return params; }
};

static std::vector<layer> layers;
static std::vector<dlib::sgd> solvers;

static const char *start(const char *, const double *hyper, long count, const struct array *parameters)
{
    layers.assign(count, layer());
    solvers.assign(count, dlib::sgd((float)hyper[3], (float)hyper[1]));
    for (long i = 0; i < count; i++) {
        layers[i].params.set_size(parameters[i].n);
        for (long k = 0; k < parameters[i].n; k++) layers[i].params.host()[k] = (float)parameters[i].x[k];
    }
    return nullptr;
}

static void step(const double *hyper, long count, const struct array *gradients)
{
    for (long i = 0; i < count; i++) {
        dlib::resizable_tensor grad(gradients[i].n);
        for (long k = 0; k < gradients[i].n; k++) grad.host()[k] = (float)gradients[i].x[k];
        const dlib::tensor &moved = solvers[i]((float)hyper[0], layers[i], grad);
        dlib::tt::add(layers[i].params, layers[i].params, moved);
    }
}

static void parameter(long i, long n, double *x)
{
    for (long k = 0; k < n; k++) x[k] = layers[i].params.host()[k];
}

int main()
{
    return serve("dtypes=float32 hyper=lr,momentum,weight_decay settable=lr none_gradients=false empty=false");
}
