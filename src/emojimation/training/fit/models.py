"""The networks, each a short builder: grey or colour images in [0,255] in, logits out.

Every builder takes `(classes, size, channels)` and options of its own and returns an uncompiled functional
`keras.Model` whose output layer is called "logits" (float32, no softmax) and whose last features are called "features".
Scaling of the pixels is part of the network.
"""

import difflib
import inspect
from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from emojimation.errors import InputError

SMALL_ROW = 8  # pixels up to which `Conv` lays the images of a batch side by side


@keras.saving.register_keras_serializable("emojimation")
class BatchNorm(layers.BatchNormalization):
    """Batch normalisation that stays in bfloat16 on the TensorFlow backend.

    Keras up-casts to float32 and normalises in many small steps, which takes two thirds of a training step on a
    processor; TensorFlow's fused operation reads bfloat16 and keeps its sums in float32. Same weights, same formula,
    same results to bfloat16's precision; on other backends and in float32 it is Keras' own layer.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if keras.backend.backend() != "tensorflow" or self.compute_dtype != "bfloat16" or len(inputs.shape) != 4:
            return super().call(inputs, training=training, mask=mask)
        return self._fused(inputs, bool(training) and self.trainable)

    def _fused(self, inputs: Any, training: bool) -> Any:
        import tensorflow as tf

        with keras.src.backend.common.variables.AutocastScope(None):
            scale, offset, mean, variance = (
                tf.convert_to_tensor(w) for w in (self.gamma, self.beta, self.moving_mean, self.moving_variance)
            )
        y, batch_mean, batch_variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=tf.cast(inputs, tf.bfloat16),
            scale=scale,
            offset=offset,
            mean=tf.zeros([0]) if training else mean,
            variance=tf.zeros([0]) if training else variance,
            epsilon=self.epsilon,
            is_training=training,
        )
        if training:
            self.moving_mean.assign(mean * self.momentum + batch_mean * (1 - self.momentum))
            self.moving_variance.assign(variance * self.momentum + batch_variance * (1 - self.momentum))
        return y


@keras.saving.register_keras_serializable("emojimation")
class Conv(layers.Conv2D):
    """Convolution whose weight gradient is quick on small images, in bfloat16 on the TensorFlow backend.

    oneDNN's kernel for AMX works row by row and takes two to three times as long on rows of 6 pixels as on long ones.
    So the images of a batch are laid side by side, with a column of zeros after each: the same sums in another order.
    On other backends, in float32, with strides or on wider images it is Keras' own layer.
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        small = inputs.shape[2] is not None and inputs.shape[2] <= SMALL_ROW
        same = (self.padding, self.kernel_size, self.strides, self.dilation_rate) == ("same", (3, 3), (1, 1), (1, 1))
        if keras.backend.backend() != "tensorflow" or self.compute_dtype != "bfloat16" or not (small and same):
            return super().convolution_op(inputs, kernel)
        return _conv_small(inputs, kernel)


def _conv_small(x: Any, kernel: Any) -> Any:
    """3x3 convolution (n,h,w,c) with the weight gradient of `Conv`."""
    import tensorflow as tf

    @tf.custom_gradient
    def op(x: Any, kernel: Any) -> Any:
        def gradient(dy: Any) -> Any:
            dx = tf.raw_ops.Conv2DBackpropInput(
                input_sizes=tf.shape(x), filter=kernel, out_backprop=dy, strides=[1, 1, 1, 1], padding="SAME"
            )
            dk = tf.raw_ops.Conv2DBackpropFilter(
                input=_side_by_side(x),
                filter_sizes=kernel.shape,
                out_backprop=_side_by_side(dy),
                strides=[1, 1, 1, 1],
                padding="SAME",
            )
            return dx, dk

        return tf.nn.conv2d(x, kernel, 1, "SAME"), gradient

    return op(tf.convert_to_tensor(x), tf.convert_to_tensor(kernel))


def _side_by_side(x: Any) -> Any:
    """Images (n,h,w,c) as one (1,h,n*(w+1),c), a column of zeros after each."""
    import tensorflow as tf

    height, width, channels = x.shape[1], x.shape[2] + 1, x.shape[3]
    padded = tf.pad(x, [[0, 0], [0, 0], [0, 1], [0, 0]])
    rows = tf.transpose(tf.reshape(padded, [-1, height, width * channels]), [1, 0, 2])
    return tf.reshape(rows, [1, height, -1, channels])


PLAIN: dict[type, Any] = {BatchNorm: layers.BatchNormalization, Conv: layers.Conv2D}  # what they are in a saved model


def conv(x: Any, width: int, kernel: int = 3, stride: int = 1, relu: bool = True) -> Any:
    """Same-padded convolution without bias, batch normalisation, ReLU."""
    x = Conv(width, kernel, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    x = BatchNorm(momentum=0.9)(x)
    return layers.Activation("relu")(x) if relu else x


def squeeze_excite(x: Any, ratio: int = 8) -> Any:
    """Channel attention after Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018."""
    width = x.shape[-1]
    s = layers.GlobalAveragePooling2D(keepdims=True)(x)
    s = layers.Dense(max(width // ratio, 4), activation="relu")(s)
    s = layers.Dense(width, activation="sigmoid")(s)
    return layers.Multiply()([x, s])


def standardise(x: Any) -> Any:
    """Each image to mean 0 and deviation 1, so that brightness and contrast of the light hardly matter."""
    x = layers.Rescaling(1 / 255, dtype="float32")(x)
    return layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False, epsilon=1e-3, dtype="float32")(x)


def head(x: Any, classes: int, dropout: float) -> Any:
    """Dropout and the logits, in float32."""
    x = layers.Dropout(dropout, name="features")(x)
    return layers.Dense(classes, dtype="float32", name="logits")(x)


def build_vgg(
    classes: int = 7,
    size: int = 48,
    channels: int = 1,
    widths: tuple[int, ...] = (64, 128, 256, 512),
    dense: tuple[int, ...] = (512, 256, 64),
    dropout: float = 0.3,
) -> keras.Model:
    """The seed's network: VGG-16's idea in four blocks of two 3x3 convolutions.

    Each block: convolution, ReLU, batch norm, twice; max pooling with stride 2; dropout. Then flatten, three dense
    layers with ReLU, batch norm and dropout, and the class layer. Pixels are divided by 255, as the seed's were in
    training.
    """
    inputs = x = layers.Input((size, size, channels), name="image")
    x = layers.Rescaling(1 / 255, dtype="float32")(x)
    for width in widths:
        for _ in range(2):
            x = Conv(width, 3, padding="same", activation="relu")(x)
            x = BatchNorm(momentum=0.9)(x)
        x = layers.MaxPooling2D(2, strides=2)(x)
        x = layers.Dropout(dropout)(x)
    x = layers.Flatten()(x)
    for index, width in enumerate(dense):
        x = layers.Dense(width, activation="relu")(x)
        x = BatchNorm(momentum=0.9)(x)
        x = layers.Dropout(dropout)(x) if index < len(dense) - 1 else x
    return keras.Model(inputs, head(x, classes, dropout), name="vgg")


def build_vgg_se(
    classes: int = 7,
    size: int = 48,
    channels: int = 1,
    widths: tuple[int, ...] = (32, 64, 128, 256),
    depths: tuple[int, ...] = (2, 2, 3, 3),
    dropout: float = 0.4,
    stem_stride: int = 1,
) -> keras.Model:
    """A modern VGG: stages of 3x3 convolutions with a skip and channel attention, global average, one class layer.

    stem_stride: of the first convolution; 2 works on a quarter of the pixels, which makes a small net several times as
    fast.
    """
    inputs = layers.Input((size, size, channels), name="image")
    x = standardise(inputs)
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        x = skip = conv(x, width, stride=stem_stride if stage == 0 else 1)
        for _ in range(depth - 2):
            x = conv(x, width)
        x = layers.Activation("relu")(layers.Add()([conv(x, width, relu=False), skip]))
        x = layers.MaxPooling2D(2)(x) if stage < len(widths) - 1 else x
        x = squeeze_excite(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, head(x, classes, dropout), name="vgg_se")


def residual(x: Any, width: int, stride: int, drop: float) -> Any:
    """Pre-activation block (He et al., "Identity Mappings in Deep Residual Networks", ECCV 2016) with channel
    attention.

    drop: how often training leaves out the block's branch for an image (Huang et al., "Deep Networks with Stochastic
    Depth", ECCV 2016).
    """
    y = layers.Activation("relu")(BatchNorm(momentum=0.9)(x))
    same = stride == 1 and x.shape[-1] == width
    skip = x if same else layers.Conv2D(width, 1, strides=stride, use_bias=False, kernel_initializer="he_normal")(y)
    y = conv(y, width, stride=stride)
    y = Conv(width, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(y)
    y = layers.Dropout(drop, noise_shape=(None, 1, 1, 1))(squeeze_excite(y))
    return layers.Add()([skip, y])


def build_resnet(
    classes: int = 7,
    size: int = 48,
    channels: int = 1,
    widths: tuple[int, ...] = (32, 64, 128, 256),
    depths: tuple[int, ...] = (2, 2, 2, 2),
    dropout: float = 0.4,
    drop_path: float = 0.1,
) -> keras.Model:
    """A residual network: stages of pre-activation blocks with channel attention, each after the first at half the
    size.

    drop_path: how often the last block is left out in training; the blocks before it less and less, down to 0.
    """
    inputs = layers.Input((size, size, channels), name="image")
    x = layers.Conv2D(widths[0], 3, padding="same", use_bias=False, kernel_initializer="he_normal")(standardise(inputs))
    stages = [(stage, width) for stage, width in enumerate(widths) for _ in range(depths[stage])]
    for block, (stage, width) in enumerate(stages):
        first = block == 0 or stages[block - 1][0] < stage
        x = residual(x, width, 2 if first and stage else 1, drop_path * block / max(len(stages) - 1, 1))
    x = layers.Activation("relu")(BatchNorm(momentum=0.9)(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, head(x, classes, dropout), name="resnet")


BUILDERS: dict[str, Callable[..., keras.Model]] = {"vgg": build_vgg, "vgg_se": build_vgg_se, "resnet": build_resnet}


def build(name: str, **options: Any) -> keras.Model:
    """Build the network `name` with the builder's options; InputError for an unknown name or option."""
    if name not in BUILDERS:
        raise InputError(f"Expected a model among {', '.join(BUILDERS)}, got {name!r}: pick one of these.")
    known = list(inspect.signature(BUILDERS[name]).parameters)
    for option in options:
        if option not in known:
            near = difflib.get_close_matches(option, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}."
            raise InputError(f"Expected an option of the network {name}, got {option!r}: {hint}")
    return BUILDERS[name](**options)
