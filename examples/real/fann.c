/* Incremental training of FANN: each parameter is the weights of a network whose input is 1, and
   whose errors are minus our gradients. With -DDOUBLE in double precision. */
#ifdef DOUBLE
#include <doublefann.h>
#else
#include <fann.h>
#endif
#include "../words.h"

void fann_update_weights(struct fann *ann); /* what fann_train ends with */

static struct fann **nets;
static long nets_count;

static fann_type *weight(struct fann *net, long k)
{
    struct fann_neuron *first = (net->first_layer + 1)->first_neuron;
    return net->weights + first[k].first_con;
}

static const char *start(const char *dtype, const double *hyper, long count, const struct array *parameters)
{
    (void)dtype, (void)hyper;
    for (long i = 0; i < nets_count; i++) fann_destroy(nets[i]);
    free(nets);
    nets = (struct fann **)calloc(count + 1, sizeof *nets);
    nets_count = count;
    for (long i = 0; i < count; i++) {
        nets[i] = fann_create_standard(2, 1, (unsigned)parameters[i].n);
        nets[i]->first_layer->first_neuron->value = 1;
        nets[i]->train_errors = (fann_type *)calloc(nets[i]->total_neurons, sizeof(fann_type));
        for (long k = 0; k < parameters[i].n; k++) *weight(nets[i], k) = (fann_type)parameters[i].x[k];
    }
    return NULL;
}

static void step(const double *hyper, long count, const struct array *gradients)
{
    for (long i = 0; i < count; i++) {
        struct fann *net = nets[i];
        fann_set_learning_rate(net, (float)hyper[0]);
        fann_set_learning_momentum(net, (float)hyper[1]);
        struct fann_neuron *all = net->first_layer->first_neuron, *first = (net->first_layer + 1)->first_neuron;
        for (long k = 0; k < gradients[i].n; k++)
            net->train_errors[first + k - all] = (fann_type)-gradients[i].x[k];
        fann_update_weights(net);
    }
}

static void parameter(long i, long n, double *x)
{
    for (long k = 0; k < n; k++) x[k] = *weight(nets[i], k);
}

int main(void)
{
#ifdef DOUBLE
    return serve("dtypes=float64 hyper=lr,momentum none_gradients=false empty=false");
#else
    return serve("dtypes=float32 hyper=lr,momentum none_gradients=false empty=false");
#endif
}
