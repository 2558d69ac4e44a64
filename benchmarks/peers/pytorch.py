"""PyTorch as an engine: answers each line of JSON on standard input with a line on standard output.

python3 pytorch.py float32|tf32
"""

import ctypes
import json
import sys

import torch
from torch import nn
from torch.nn.functional import cross_entropy

precision = sys.argv[1]
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
torch.backends.cudnn.allow_tf32 = precision == "tf32"
torch.backends.cudnn.benchmark = True  # its fastest algorithms

layers = {
    "conv": nn.Conv2d,
    "pool": nn.MaxPool2d,
    "linear": nn.Linear,
    "dropout": nn.Dropout,
    "relu": lambda: nn.ReLU(inplace=True),
    "flatten": nn.Flatten,
}


def synchronize():
    if device.type == "cuda":
        torch.cuda.synchronize()


def read(file):
    with open(file, "rb") as data:
        return torch.frombuffer(bytearray(data.read()), dtype=torch.float32)


def matmul(shape, files):
    a, b = (read(file).reshape(shape).to(device) for file in files)
    compute = torch.inference_mode()(lambda: a @ b)
    return compute, compute


def network(shape, files, specs):
    x = read(files[0]).reshape(shape).to(device)
    weights = read(files[1])

    def build():
        net = nn.Sequential(*(layers[name](*arguments) for name, *arguments in specs))
        parameters = list(net.parameters())
        parts = weights.split([parameter.numel() for parameter in parameters])
        with torch.no_grad():
            for parameter, part in zip(parameters, parts, strict=True):
                parameter.copy_(part.reshape(parameter.shape))
        return net.to(device)

    return x, build


def inference(shape, files, layers, **_):
    x, build = network(shape, files, layers)
    net = build().eval()
    compute = torch.inference_mode()(lambda: net(x))
    return compute, compute


def training(shape, files, layers, labels, training):
    x, build = network(shape, files, layers)
    labels = torch.tensor(labels, device=device)

    def trainer(lr):
        net = build().train()
        optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=training["momentum"])

        def step():
            optimizer.zero_grad()
            cross_entropy(net(x), labels).backward()
            optimizer.step()

        return net, step

    def output():
        net, step = trainer(training["visible"]["lr"])
        for _ in range(training["visible"]["steps"]):
            step()
        return torch.cat([parameter.detach().flatten() for parameter in net.parameters()])

    return trainer(training["lr"])[1], output


kinds = {"matmul": matmul, "inference": inference, "training": training}
prepared = {}


def answer(do, name=None, kind=None, times=None, file=None, **arguments):
    if do == "describe":
        where = torch.cuda.get_device_name() if device.type == "cuda" else "the CPU"
        return f"PyTorch {torch.__version__}, {precision}, on {where}"
    if do == "prepare":
        prepared[name] = kinds[kind](**arguments)
    elif do == "run":
        for _ in range(times):
            prepared[name][0]()
        synchronize()
    elif do == "output":
        values = prepared[name][1]().cpu().contiguous()
        with open(file, "wb") as out:
            out.write((ctypes.c_char * values.nbytes).from_address(values.data_ptr()))
    return None


for line in sys.stdin:
    print(json.dumps(answer(**json.loads(line))), flush=True)
